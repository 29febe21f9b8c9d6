using Grokking;
using TorchSharp;
using TorchSharpSoftmax.Examples;

try
{
    return Cli.Run(Options.Command(Experiments, List), args);
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return Cli.BadUsage;
}

// Every run of the preset with every seed, one after the other; then the summary and the picture.
static int Experiments(Options options)
{
    Cli.CreateFolder("--out", options.Out);
    Training[] trainings = [.. options.Preset.Runs.SelectMany(run => options.Seeds.Select(seed => new Training(run, seed, options)))];
    Prepare(options, trainings);

    torch.set_num_threads(options.Threads);
    using var interrupt = new Interrupt();
    Console.WriteLine($"{options.Preset.Name}: {options.Preset.Expect}");
    Console.WriteLine($"({options.Preset.Takes}; Ctrl-C stops after the epoch, '--resume' goes on)");
    foreach (Training training in trainings.Where(t => !t.IsFinished).TakeWhile(_ => !interrupt.Requested))
    {
        Console.WriteLine($"{training.Run.Title}, seed {training.Seed}");
        TrainingDisplay.Run(options.Epochs, training.Done, tell => training.Train(interrupt, tell));
    }

    Report(options, trainings);
    return trainings.All(t => t.IsFinished) ? 0 : Interrupt.ExitCode;
}

// A fresh start forgets earlier checkpoints of the same folder; '--resume' finds out what is left to do.
static void Prepare(Options options, Training[] trainings)
{
    if (!options.Resume)
    {
        Array.ForEach(trainings, t => t.Forget());
        return;
    }

    // All are asked before anything runs: each may refuse.
    if (Array.FindAll(trainings, t => t.FindCheckpoint()).Length == 0)
    {
        throw new ArgumentException(
            $"'--resume' finds no checkpoint in '{options.Out}'; a folder ('--out') with an earlier run of the same preset is required.");
    }

    if (trainings.All(t => t.IsFinished))
    {
        throw new ArgumentException(
            $"'--resume' finds every run at its end: '--epochs' is {options.Epochs}; more than the {trainings.Max(t => t.Done)} epochs there are required to go on.");
    }
}

static void Report(Options options, Training[] trainings)
{
    Training[] begun = [.. trainings.Where(t => t.HasMetrics)];
    if (trainings.FirstOrDefault(t => !t.IsFinished) is { } stopped)
    {
        Console.WriteLine($"Stopped {stopped.Run.Title}, seed {stopped.Seed}, after epoch {stopped.Done}; '--resume' continues from there.");
    }

    if (begun.Length == 0)
    {
        return;
    }

    Outcome[] outcomes = [.. begun.Select(Outcome.Of)];
    string summary = Path.Combine(options.Out, "summary.csv");
    Summary.Write(summary, outcomes);
    Summary.Print(options.Preset, outcomes);
    Console.WriteLine($"  summary  {Path.GetFullPath(summary)}");
    Console.WriteLine($"  metrics  {Path.Combine(Path.GetFullPath(options.Out), "<run>", "seed-<n>", "metrics.csv")} and layers.csv");

    string picture = Path.Combine(options.Out, "grokking.png");
    string? trouble = Picture.Draw(picture, options.Preset, begun);
    Console.WriteLine(trouble is null
        ? $"  picture  {Path.GetFullPath(picture)}"
        : $"  no picture: {trouble}; the data are in the metrics files.");
}

static int List()
{
    foreach (Preset preset in Presets.All)
    {
        string seeds = preset.Seeds.Length > 1 ? $", seeds {string.Join(", ", preset.Seeds)}" : "";
        Console.WriteLine($"{preset.Name,-6} {preset.Expect}");
        Console.WriteLine($"       {string.Join(", ", preset.Runs.Select(r => r.Name))}: {preset.Epochs} epochs{seeds}; {preset.Takes} with one thread");
    }

    return 0;
}
