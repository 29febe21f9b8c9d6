using System.Diagnostics;
using TorchSharp.Modules;
using TorchSharpSoftmax.Examples;
using static TorchSharp.torch;

namespace LanguageModel;

/// <summary>What a checkpoint holds beside the tensors.</summary>
internal sealed record State(int Step, Experiment Experiment, int Words, int Threads);

/// <summary>One run: its folder, its checkpoint and its loop.</summary>
internal sealed class Training(LossName loss, Text text, Options options)
{
    private readonly Experiment experiment = options.Experiment;
    private int done;

    public LossName Loss => loss;

    public string Folder => Path.Combine(options.Out, Cli.Spell(loss));

    public string MetricsPath => Path.Combine(Folder, "metrics.csv");

    public string CheckpointFolder => Path.Combine(Folder, "checkpoint");

    /// <summary>Steps behind.</summary>
    public int Done => done;

    public bool IsFinished => done == options.Steps;

    /// <summary>Where an earlier run, or the process of this one, ended; refuses one of other settings.</summary>
    public bool FindCheckpoint()
    {
        if (!Checkpoint.ExistsIn(CheckpointFolder))
        {
            return false;
        }

        State saved = Checkpoint.ReadState<State>(CheckpointFolder);
        if (saved != new State(saved.Step, experiment, text.Words, options.Threads))
        {
            string threads = saved.Threads == options.Threads ? "" : $"Threads {saved.Threads} and not {options.Threads}; ";
            string words = saved.Words == text.Words ? "" : $"Words {saved.Words} and not {text.Words}; ";
            throw new ArgumentException(
                $"'--resume' finds a run with other settings in '{CheckpointFolder}'; the same are required. There: {threads}{words}{saved.Experiment.Differences(experiment)}");
        }

        if (saved.Step > options.Steps)
        {
            throw new ArgumentException($"'--steps' is {options.Steps}; at least the {saved.Step} steps of the run in '{CheckpointFolder}' are required.");
        }

        done = saved.Step;
        return true;
    }

    public void Forget() => Checkpoint.Delete(CheckpointFolder);

    public List<Metrics> Rows() => MetricsFile<Metrics>.Read(MetricsPath);

    /// <summary>The model as the checkpoint has it.</summary>
    public Model Learnt()
    {
        var model = new Model(experiment, text);
        Checkpoint.LoadModel(CheckpointFolder, model);
        model.eval();
        return model;
    }

    public void Train(Interrupt interrupt, Action<int, string?> tell)
    {
        manual_seed(experiment.Seed);
        using var model = new Model(experiment, text);
        using AdamW optimizer = optim.AdamW(model.parameters(), experiment.LearningRate, weight_decay: experiment.WeightDecay);
        if (done > 0)
        {
            Checkpoint.Load(CheckpointFolder, model, optimizer);
        }

        Directory.CreateDirectory(Folder);
        int resumed = done;
        using var metrics = new MetricsFile<Metrics>(MetricsPath, resumed > 0 ? row => row.Step <= resumed : null);
        double? validation = metrics.Rows.LastOrDefault(row => row.ValidationLoss is not null)?.ValidationLoss;
        var batches = new Batches(text.Train, experiment);
        IHeadLoss head = Losses.Create(loss);
        while (!IsFinished && !interrupt.Requested)
        {
            var clock = Stopwatch.StartNew();
            double trained = Step(model, optimizer, head, batches);
            double seconds = clock.Elapsed.TotalSeconds;
            done++;
            bool validates = done % options.ValidateEvery == 0 || IsFinished;
            validation = validates ? Validate(model, head) : validation;
            var row = new Metrics(done, trained, validates ? validation : null, seconds, OwnProcess.PeakMiB());
            metrics.Add(row);
            tell(done, row.Describe(validation, experiment.Tokens));
            if (done % options.CheckpointEvery == 0 && !IsFinished)
            {
                Save();
            }
        }

        if (done > resumed)
        {
            Save();
        }

        void Save() => Checkpoint.Save(CheckpointFolder, new State(done, experiment, text.Words, options.Threads), model, optimizer);
    }

    /// <returns>The loss before the step.</returns>
    private double Step(Model model, AdamW optimizer, IHeadLoss head, Batches batches)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor target) = batches.OfStep(done);
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
        {
            group.LearningRate = experiment.LearningRate * Math.Min(1, (done + 1.0) / experiment.Warmup);
        }

        optimizer.zero_grad();
        Tensor mean = head.Mean(model.call(input), model.Head, model.HeadBias, target);
        mean.backward();
        optimizer.step();
        return mean.item<float>();
    }

    /// <summary>The mean loss of the first windows that were held out, two batches of them.</summary>
    private double Validate(Model model, IHeadLoss head)
    {
        using var _ = no_grad();
        using var all = NewDisposeScope();
        model.eval();
        double sum = 0;
        long tokens = 0;
        foreach ((Tensor input, Tensor target) in new Batches(text.Validation, experiment).First(2 * experiment.Batch))
        {
            using var scope = NewDisposeScope();
            sum += target.size(0) * head.Mean(model.call(input), model.Head, model.HeadBias, target).item<float>();
            tokens += target.size(0);
        }

        model.train();
        return sum / tokens;
    }
}
