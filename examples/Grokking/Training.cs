using System.Diagnostics;
using TorchSharp.Modules;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>What a checkpoint holds beside the tensors.</summary>
internal sealed record State(int Epoch, Experiment Experiment, int Seed, int Threads);

/// <summary>One run with one seed: its folder, its checkpoint and its loop.</summary>
internal sealed class Training(Run run, int seed, Options options)
{
    private readonly Experiment experiment = run.Experiment;
    private int done;
    private bool begun;

    public Run Run => run;

    public int Seed => seed;

    public string Folder => Path.Combine(options.Out, run.Name, $"seed-{seed}");

    public string MetricsPath => Path.Combine(Folder, "metrics.csv");

    public string LayersPath => Path.Combine(Folder, "layers.csv");

    /// <summary>Epochs behind.</summary>
    public int Done => done;

    /// <summary>Nothing is left to do: the last epoch is measured, or a measured one is good enough.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Has rows of metrics, of now or of the run that is resumed.</summary>
    public bool HasMetrics => begun && MetricsFile<Metrics>.Read(MetricsPath).Count > 0;

    private string CheckpointFolder => Path.Combine(Folder, "checkpoint");

    /// <summary>Where an earlier run ended; refuses one of other settings.</summary>
    public bool FindCheckpoint()
    {
        if (!Checkpoint.ExistsIn(CheckpointFolder))
        {
            return false;
        }

        State saved = Checkpoint.ReadState<State>(CheckpointFolder);
        State here = new(saved.Epoch, experiment, seed, options.Threads);
        if (saved != here)
        {
            string threads = saved.Threads == here.Threads ? "" : $"Threads {saved.Threads} and not {here.Threads}; ";
            throw new ArgumentException(
                $"'--resume' finds a run with other settings in '{CheckpointFolder}'; the same are required. There: {threads}{saved.Experiment.Differences(experiment)}");
        }

        if (saved.Epoch > options.Epochs)
        {
            throw new ArgumentException(
                $"'--epochs' is {options.Epochs}; more than the {saved.Epoch} epochs of the run in '{CheckpointFolder}' are required.");
        }

        begun = true;
        done = saved.Epoch;
        Metrics? last = MetricsFile<Metrics>.Read(MetricsPath).LastOrDefault(row => row.Epoch <= done);
        IsFinished = last?.Epoch == done && IsLast(done, last.TestAccuracy);
        return true;
    }

    public void Forget() => Checkpoint.Delete(CheckpointFolder);

    public void Train(Interrupt interrupt, Action<int, string?> tell)
    {
        begun = true;
        manual_seed(seed);
        using Tasks data = Tasks.Create(experiment);
        using Module<Tensor, Tensor> model = Models.Create(experiment, data);
        OptimizerHelper inner = CreateOptimizer(model);
        using optim.Optimizer optimizer = experiment.PerpGrad ? optim.PerpGrad(inner, experiment.Granularity, experiment.Rescale) : inner;
        if (done > 0)
        {
            Checkpoint.Load(CheckpointFolder, model, inner);
        }

        Directory.CreateDirectory(Folder);
        int resumed = done;
        using var metrics = new MetricsFile<Metrics>(MetricsPath, resumed > 0 ? row => row.Epoch < resumed : null);
        using var layers = new MetricsFile<LayerMetrics>(LayersPath, resumed > 0 ? row => row.Epoch < resumed : null);
        double before = metrics.Rows.Count == 0 ? 0 : metrics.Rows[^1].Seconds;
        var clock = Stopwatch.StartNew();
        for (; ; done++)
        {
            // A checkpoint holds the state before anything random happens in its epoch, so that a resumed run does all of the epoch again.
            Score? test = IsLogged(done) ? Score.OfTest(experiment, model, data) : null;
            IsFinished = test is { } t && IsLast(done, t.Accuracy);
            bool stop = interrupt.Requested;
            if (IsFinished || stop || (done % options.CheckpointEvery == 0 && done > resumed))
            {
                Checkpoint.Save(CheckpointFolder, new State(done, experiment, seed, options.Threads), model, inner);
            }

            if (stop && !IsFinished)
            {
                return;
            }

            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor logits = model.call(data.TrainInput);
            Tensor losses = Losses.PerSample(experiment.Loss, logits, data.TrainTarget, experiment.Dtype);
            Losses.Mean(losses).backward();
            if (test is { } score)
            {
                var row = Metrics.Measure(done, experiment, model, data, logits, losses, score, before + clock.Elapsed.TotalSeconds);
                metrics.Add(row);
                layers.AddRange(LayerMetrics.Measure(done, model));
                tell(done, row.Describe());
            }

            if (IsFinished)
            {
                return;
            }

            optimizer.step();
            tell(done + 1, null);
        }
    }

    private OptimizerHelper CreateOptimizer(Module<Tensor, Tensor> model) => experiment.Optimizer == OptimizerName.Sgd
        ? optim.SGD(model.parameters(), experiment.LearningRate, experiment.Momentum, weight_decay: experiment.WeightDecay)
        : optim.AdamW(model.parameters(), experiment.LearningRate, experiment.Beta1, experiment.Beta2, experiment.Eps, experiment.WeightDecay);

    /// <summary>Every so many epochs, and more densely early, for a logarithmic axis: each of the first ones, then wherever five per cent have passed.</summary>
    private bool IsLogged(int epoch)
    {
        return epoch <= 20 || epoch % options.LogEvery == 0 || epoch == options.Epochs || Step(epoch) > Step(epoch - 1);

        static int Step(int epoch) => (int)(Math.Log(epoch) / Math.Log(1.05));
    }

    private bool IsLast(int epoch, double testAccuracy) => epoch == options.Epochs || testAccuracy >= options.StopAt;
}
