using System.Diagnostics;
using Grokking;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

try
{
    return Cli.Run(Options.Command(Train), args);
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return Cli.BadUsage;
}

static int Train(Options options)
{
    Settings s = options.Settings;
    set_num_threads(s.Threads);
    manual_seed(s.Seed);

    // The data and the model: two-hot pairs in, one logit per residue out.
    var data = new ModularAddition(s.P, s.TrainFraction);
    using Sequential model = Sequential(
        ("hidden1", Linear(2 * s.P, s.Hidden, hasBias: false)), ("relu1", ReLU()),
        ("hidden2", Linear(s.Hidden, s.Hidden, hasBias: false)), ("relu2", ReLU()),
        ("logits", Linear(s.Hidden, s.P, hasBias: false)));
    AdamW optimizer = optim.AdamW(model.parameters(), lr: s.LearningRate, weight_decay: s.WeightDecay);

    // A fresh run, or the rest of an earlier one.
    Cli.CreateFolder("--out", options.Out);
    string checkpoint = Path.Combine(options.Out, "checkpoint");
    int done = options.Resume ? Resume(checkpoint, options, model, optimizer) : 0;
    using var metrics = new MetricsFile<Metrics>(Path.Combine(options.Out, "metrics.csv"), options.Resume ? row => row.Epoch <= done : null);
    double before = metrics.Rows.Count == 0 ? 0 : metrics.Rows[^1].Seconds;

    using var interrupt = new Interrupt();
    var clock = Stopwatch.StartNew();
    TrainingDisplay.Run(options.Epochs, done, tell =>
    {
        for (int epoch = done + 1; epoch <= options.Epochs && !interrupt.Requested; epoch++)
        {
            Step(model, data, optimizer);
            done = epoch;

            Metrics? row = null;
            if (epoch <= 20 || epoch % options.LogEvery == 0 || epoch == options.Epochs)
            {
                row = Metrics.Measure(epoch, model, data, before + clock.Elapsed.TotalSeconds);
                metrics.Add(row);
            }

            tell(epoch, row?.Describe());
            if (epoch % options.CheckpointEvery == 0 && epoch != options.Epochs)
            {
                Checkpoint.Save(checkpoint, new State(epoch, s), model, optimizer);
            }
        }
    });

    Checkpoint.Save(checkpoint, new State(done, s), model, optimizer);
    Report(options, metrics, interrupt.Requested && done < options.Epochs, done);
    return interrupt.Requested && done < options.Epochs ? Interrupt.ExitCode : 0;
}

static void Step(Sequential model, ModularAddition data, AdamW optimizer)
{
    using var scope = NewDisposeScope();
    optimizer.zero_grad();
    Tensor logProbabilities = functional.two_pass_log_softmax(model.call(data.TrainInput), dim: -1);
    functional.nll_loss(logProbabilities, data.TrainTarget).backward();
    optimizer.step();
}

static int Resume(string checkpoint, Options options, Sequential model, AdamW optimizer)
{
    if (!Checkpoint.ExistsIn(checkpoint))
    {
        throw new ArgumentException($"'--resume' finds no checkpoint in '{checkpoint}'; a folder ('--out') with an earlier run is required.");
    }

    State saved = Checkpoint.ReadState<State>(checkpoint);
    if (saved.Settings != options.Settings)
    {
        throw new ArgumentException(
            $"'--resume' finds a run with other settings in '{checkpoint}'; the same are required.\n  there: {saved.Settings}\n  here:  {options.Settings}");
    }

    if (saved.Epoch >= options.Epochs)
    {
        throw new ArgumentException($"'--epochs' is {options.Epochs}; more than the {saved.Epoch} epochs of the run in '{checkpoint}' are required to resume it.");
    }

    Checkpoint.Load(checkpoint, model, optimizer);
    return saved.Epoch;
}

static void Report(Options options, MetricsFile<Metrics> metrics, bool stopped, int done)
{
    Metrics? grokked = metrics.Rows.FirstOrDefault(row => row.TestAccuracy >= 0.99);
    Metrics? fitted = metrics.Rows.FirstOrDefault(row => row.TrainAccuracy >= 0.99);
    Console.WriteLine(stopped ? $"Stopped after epoch {done}; '--resume' continues from there." : $"Done: {done} epochs in {metrics.Rows[^1].Seconds:0.0} s.");
    Console.WriteLine($"  99 % of the training pairs right: {(fitted is null ? "not reached" : $"epoch {fitted.Epoch}")}");
    Console.WriteLine($"  99 % of the unseen pairs right:   {(grokked is null ? "not reached" : $"epoch {grokked.Epoch}")}");
    Console.WriteLine($"  metrics  {Path.GetFullPath(metrics.Path)}");

    string picture = Path.Combine(options.Out, "grokking.png");
    string? trouble = Picture.Draw(metrics.Path, picture, options.Settings, Math.Max(2, done));
    Console.WriteLine(trouble is null ? $"  picture  {Path.GetFullPath(picture)}" : $"  no picture: {trouble}; the data are in the metrics file.");
}

/// <summary>What a checkpoint holds beside the tensors.</summary>
internal sealed record State(int Epoch, Settings Settings);
