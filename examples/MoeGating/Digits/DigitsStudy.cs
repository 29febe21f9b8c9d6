using TorchSharp;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>Each network with each seed, one after the other; those that an earlier run finished are kept.</summary>
internal sealed class DigitsStudy(Options options)
{
    private readonly DigitsSettings settings = new(options.Epochs, options.LogEvery, options.Threads);

    private DigitsRun[] runs = [];

    public string Folder { get; } = Path.Combine(options.Out, "digits");

    public string SummaryPath => Path.Combine(Folder, "summary.csv");

    public IReadOnlyList<DigitsRun> Finished { get; private set; } = [];

    /// <summary>Finds what is finished, and refuses to go on from results of other settings; a fresh start forgets them.</summary>
    public void Prepare()
    {
        bool resumes = options.Resume && Output.HasResults(Folder);
        Output.KeepSettings(Folder, settings, resumes);
        runs = [.. options.Gates.SelectMany(gate => options.Seeds.Select(seed => new DigitsRun(gate, seed, settings, Folder)))];
        if (resumes)
        {
            Array.ForEach(runs, run => run.FindOutcome());
        }
        else
        {
            Array.ForEach(Directory.GetFiles(Folder, DigitsRun.OutcomeFile, SearchOption.AllDirectories), File.Delete);
        }
    }

    public void Run(Interrupt interrupt)
    {
        torch.set_num_threads(options.Threads);
        int before = runs.Count(r => r.Outcome is not null) * settings.Steps;
        TrainingDisplay.Run(runs.Length * settings.Steps, before, tell =>
        {
            foreach (DigitsRun run in runs.Where(r => r.Outcome is null).TakeWhile(_ => !interrupt.Requested))
            {
                int behind = before;
                run.Train(interrupt, (step, text) => tell(behind + step, text is null ? null : $"{run.Gate.Title}, seed {run.Seed}: {text}"));
                before += settings.Steps;
            }
        }, "step");

        Finished = [.. runs.Where(r => r.Outcome is not null)];
        using var summary = new MetricsFile<DigitsOutcome>(SummaryPath);
        summary.AddRange(Finished.Select(r => r.Outcome!));
    }
}
