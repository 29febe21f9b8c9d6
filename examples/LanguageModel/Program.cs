using LanguageModel;
using TorchSharp;
using TorchSharpSoftmax.Examples;

try
{
    return Cli.Run(Options.Command(options => options.Child is { } loss ? Train(options, loss) : Compare(options, args)), args);
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return Cli.BadUsage;
}

// The same training once with each loss, each in a process of its own, so that its peak of memory is its own; then what came of it.
static int Compare(Options options, string[] args)
{
    Cli.CreateFolder("--out", options.Out);
    Text text = Read(options);
    Training[] trainings = [.. options.Losses.Select(loss => new Training(loss, text, options))];
    Prepare(options, trainings);

    using var interrupt = new Interrupt();
    Console.WriteLine($"WordNet: {text.Describe()}.");
    Console.WriteLine($"{options.Describe(text)} (Ctrl-C stops after the step, '--resume' goes on).");
    foreach (Training training in trainings.Where(t => !t.IsFinished).TakeWhile(_ => !interrupt.Requested))
    {
        Console.WriteLine(Losses.Title(training.Loss));
        int exitCode = OwnProcess.Run(typeof(Training).Assembly.Location, [.. args, "--child", Cli.Spell(training.Loss)], interrupt);
        training.FindCheckpoint();
        if (exitCode is not (0 or Interrupt.ExitCode))
        {
            Console.Error.WriteLine($"The process that trains with {Losses.Title(training.Loss)} ended with exit code {exitCode}.");
            return exitCode;
        }
    }

    torch.set_num_threads(options.Threads);
    Report(options, text, trainings);
    return trainings.All(t => t.IsFinished) ? 0 : Interrupt.ExitCode;
}

// The child process of Compare: one training, from its checkpoint where there is one.
static int Train(Options options, LossName loss)
{
    torch.set_num_threads(options.Threads);
    using var interrupt = new Interrupt(orEndOfInput: true);
    var training = new Training(loss, Read(options), options);
    training.FindCheckpoint();
    TrainingDisplay.Run(options.Steps, training.Done, tell => training.Train(interrupt, tell), "step");
    return training.IsFinished ? 0 : Interrupt.ExitCode;
}

static Text Read(Options options)
{
    Text text = Text.Read(options.WordNet, options.Experiment.Seed);
    options.Experiment.Check(text);
    return text;
}

// A fresh start forgets earlier checkpoints of the same folder; '--resume' finds out what is left to do.
static void Prepare(Options options, Training[] trainings)
{
    if (!options.Resume)
    {
        Array.ForEach(trainings, t => t.Forget());
    }

    // All are asked before anything runs: each may refuse.
    else if (Array.FindAll(trainings, t => t.FindCheckpoint()).Length == 0)
    {
        throw new ArgumentException($"'--resume' finds no checkpoint in '{options.Out}'; a folder ('--out') with an earlier run is required.");
    }
}

static void Report(Options options, Text text, Training[] trainings)
{
    if (trainings.FirstOrDefault(t => !t.IsFinished) is { } stopped)
    {
        Console.WriteLine($"Stopped {Losses.Title(stopped.Loss)} after step {stopped.Done}; '--resume' continues from there.");
    }

    Training[] begun = [.. trainings.Where(t => t.Done > 0)];
    if (begun.Length == 0)
    {
        return;
    }

    Outcome[] outcomes = [.. begun.Select(t => Outcome.Of(t, options.Experiment))];
    string summary = Path.Combine(options.Out, "summary.csv");
    Summary.Write(summary, outcomes);
    Summary.Print(outcomes, begun);

    Sparsity? sparsity = null;
    if (trainings.All(t => t.IsFinished))
    {
        using Model model = trainings[0].Learnt();
        sparsity = Sparsity.Measure(model, text, options.Experiment);
        sparsity.Write(options.Out);
        sparsity.Print();
        Sampling.Print(Sampling.Definitions(model, text, options));
    }

    Console.WriteLine($"  summary  {Path.GetFullPath(summary)}");
    Console.WriteLine($"  metrics  {Path.Combine(Path.GetFullPath(options.Out), "<loss>", "metrics.csv")}");
    string picture = Path.Combine(options.Out, "language-model.png");
    string? trouble = Picture.Draw(picture, options, text, begun, outcomes, sparsity);
    Console.WriteLine(trouble is null
        ? $"  picture  {Path.GetFullPath(picture)}"
        : $"  no picture: {trouble}; the data are in the metrics files.");
}
