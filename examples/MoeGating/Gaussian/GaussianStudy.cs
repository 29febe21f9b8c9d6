using TorchSharp;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>What every estimate depends on beside its gate, size and repetition.</summary>
internal sealed record GaussianSettings(int Threads);

/// <summary>Estimates of each gate at each size, as often as asked for; those that an earlier run left are kept.</summary>
internal sealed class GaussianStudy(Options options)
{
    private const int MoreOfBoundary = 10;

    private readonly string folder = Path.Combine(options.Out, "gaussian");

    public string Folder => folder;

    public string EstimatesPath => Path.Combine(folder, "estimates.csv");

    public string BoundaryPath => Path.Combine(folder, "boundary.csv");

    public IReadOnlyList<EstimateRow> Estimates { get; private set; } = [];

    public IReadOnlyList<BoundaryRow> Boundaries { get; private set; } = [];

    public IReadOnlyList<FisherRow> Fisher { get; private set; } = [];

    /// <summary>Empty until all estimates are there.</summary>
    public IReadOnlyList<SlopeRow> Slopes { get; private set; } = [];

    public bool IsFinished => Slopes.Count > 0;

    private string SlopesPath => Path.Combine(folder, "slopes.csv");

    private bool Resumes { get; } = options.Resume && Output.HasResults(Path.Combine(options.Out, "gaussian"));

    /// <summary>Refuses to go on from results of other settings; a fresh start forgets them.</summary>
    public void Prepare()
    {
        Output.KeepSettings(folder, new GaussianSettings(options.Threads), Resumes);
        File.Delete(SlopesPath);
        if (!Resumes)
        {
            File.Delete(EstimatesPath);
        }
    }

    public void Run(Interrupt interrupt)
    {
        torch.set_num_threads(options.Threads);
        using var grid = Grid.Create();
        Fisher = [.. FisherInformation.All(grid)];
        Write(Path.Combine(folder, "fisher.csv"), Fisher);

        (int N, int Repetition)[] samples = [.. options.Sizes.SelectMany(n => Enumerable.Range(0, options.Repetitions).Select(r => (n, r)))];
        int all = GaussianGate.All.Length * samples.Length;
        using (var file = new MetricsFile<EstimateRow>(EstimatesPath, Resumes ? _ => true : null))
        {
            // An earlier run may have had more sizes or samples: its estimates stay in the file.
            HashSet<(string, int, int)> done = [.. file.Rows.Where(r => samples.Contains((r.N, r.Repetition))).Select(r => (r.Gate, r.N, r.Repetition))];
            TrainingDisplay.Run(all, done.Count, tell => Estimate(file, samples, done, grid, interrupt, tell), "estimate");
            Estimates = [.. file.Rows.Where(r => samples.Contains((r.N, r.Repetition)))];
        }

        using (var file = new MetricsFile<BoundaryRow>(BoundaryPath))
        {
            Boundaries = file.Rows;
            foreach (int n in options.Sizes.TakeWhile(_ => !interrupt.Requested))
            {
                file.AddRange(Enumerable.Range(0, MoreOfBoundary * options.Repetitions).Select(repetition => Boundary.Estimate(n, repetition)));
            }
        }

        if (Estimates.Count == all && Boundaries.Count == MoreOfBoundary * samples.Length)
        {
            Slopes = [.. GaussianSlopes.Of(this)];
            Write(SlopesPath, Slopes);
        }
    }

    private void Estimate(
        MetricsFile<EstimateRow> file, (int N, int Repetition)[] samples, HashSet<(string, int, int)> done, Grid grid, Interrupt interrupt, Action<int, string?> tell)
    {
        int behind = done.Count;
        foreach (GaussianGate gate in GaussianGate.All)
        {
            using torch.Tensor truth = grid.Density(gate.Mixture, Mixture.Truth);
            foreach ((int n, int repetition) in samples.Where(s => !done.Contains((gate.Name, s.N, s.Repetition))).TakeWhile(_ => !interrupt.Requested))
            {
                file.Add(gate.Estimate(n, repetition, grid, truth));
                tell(++behind, $"{gate.Title}, {n} observations, sample {repetition + 1} of {options.Repetitions}");
            }
        }
    }

    private static void Write<TRow>(string path, IEnumerable<TRow> rows)
    {
        using var file = new MetricsFile<TRow>(path);
        file.AddRange(rows);
    }
}
