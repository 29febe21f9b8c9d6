using System.CommandLine;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>A preset as the flags changed it, and how it is run.</summary>
internal sealed record Options(
    Preset Preset, IReadOnlyList<int> Seeds, int Epochs, int LogEvery, double StopAt, int Threads, int CheckpointEvery, string Out, bool Resume)
{
    private static readonly Experiment Default = new();

    private static readonly Setting[] Settings =
    [
        Setting.Of(Cli.Choice("--task", "What to learn", Default.Task), (e, v) => e with { Task = v }),
        Setting.Of(Cli.Whole("--p", "The modulus of add, sub and mul.", Default.P, 2, 1000), (e, v) => e with { P = v }),
        Setting.Of(Cli.Whole("--parity-bits", "Parity: the bits that decide.", Default.ParityBits, 1, 1000), (e, v) => e with { ParityBits = v }),
        Setting.Of(Cli.Whole("--noise-bits", "Parity: the bits that do not.", Default.NoiseBits, 0, 10_000), (e, v) => e with { NoiseBits = v }),
        Setting.Of(Cli.Whole("--samples", "Parity: how many samples there are.", Default.Samples, 2, 10_000_000), (e, v) => e with { Samples = v }),
        Setting.Of(Cli.Real("--train-fraction", "The share of all samples that is trained on.", Default.TrainFraction, 0, 1, orEqual: false),
            (e, v) => e with { TrainFraction = v }),
        Setting.Of(Cli.Choice("--model", "The network", Default.Model), (e, v) => e with { Model = v }),
        Setting.Of(Cli.Whole("--hidden", "Width of the hidden layers or of the transformer's tokens; 0: the paper's 200 or 128.", Default.Hidden, 0, 100_000),
            (e, v) => e with { Hidden = v }),
        Setting.Of(Cli.Real("--dropout", "The transformer's dropout.", Default.Dropout, 0, 1, orEqual: true), (e, v) => e with { Dropout = v }),
        Setting.Of(Cli.Choice("--loss", "What cross-entropy is of", Default.Loss), (e, v) => e with { Loss = v }),
        Setting.Of(Cli.Choice("--loss-dtype", "The precision that logits are rounded to before the loss", Default.LossDtype),
            (e, v) => e with { LossDtype = v }),
        Setting.Of(Cli.Choice("--optimizer", "The optimizer", Default.Optimizer), (e, v) => e with { Optimizer = v }),
        Setting.Of(Cli.Real("--lr", "The learning rate.", Default.LearningRate, 0, 1000, orEqual: false), (e, v) => e with { LearningRate = v }),
        Setting.Of(Cli.Real("--beta1", "AdamW's memory of gradients.", Default.Beta1, 0, 1, orEqual: true), (e, v) => e with { Beta1 = v }),
        Setting.Of(Cli.Real("--beta2", "AdamW's memory of squared gradients.", Default.Beta2, 0, 1, orEqual: true), (e, v) => e with { Beta2 = v }),
        Setting.Of(Cli.Real("--eps", "AdamW's eps.", Default.Eps, 0, 1, orEqual: true), (e, v) => e with { Eps = v }),
        Setting.Of(Cli.Real("--momentum", "SGD's momentum.", Default.Momentum, 0, 1, orEqual: true), (e, v) => e with { Momentum = v }),
        Setting.Of(Cli.Real("--weight-decay", "AdamW's decoupled, SGD's plain weight decay.", Default.WeightDecay, 0, 1000, orEqual: true),
            (e, v) => e with { WeightDecay = v }),
        Setting.Of(new Option<bool>("--perp-grad") { Description = "Remove the gradient's part along the weights before each step." },
            (e, v) => e with { PerpGrad = v }),
        Setting.Of(Cli.Choice("--granularity", "perpGrad: what is a vector of weights", Default.Granularity), (e, v) => e with { Granularity = v }),
        Setting.Of(new Option<bool>("--rescale") { Description = "perpGrad: give the rest the whole gradient's norm. [default: true]" },
            (e, v) => e with { Rescale = v }),
    ];

    public static RootCommand Command(Func<Options, int> run, Func<int> list)
    {
        string[] names = [.. Presets.All.Select(p => p.Name), "list"];
        string choices = string.Join(", ", names);
        var preset = new Option<string>("--preset")
        {
            Description = $"A figure of the paper or a bar: {choices}. Without it: story, or one run where '--task' or a flag below it is given.",
            HelpName = "name",
        };
        preset.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !names.Contains(result.Tokens[0].Value))
            {
                result.AddError($"'--preset' is '{result.Tokens[0].Value}'; one of {choices} is required.");
            }
        });
        var only = new Option<string>("--runs") { Description = "Only these of the preset's runs, by their names in '--preset list', separated by commas." };
        Option<int[]> seeds = Cli.Wholes("--seeds", "Seeds of split and initial weights, such as 0,1,2; each run runs with each.");
        seeds.Aliases.Add("--seed");
        Option<int> epochs = Cli.Whole("--epochs", "Full-batch steps.", null, 1);
        Option<int> logEvery = Cli.Whole("--log-every", "Most epochs between two rows of metrics; early ones have more rows.", null, 1);
        Option<double> stopAt = Cli.Share("--stop-at-accuracy", "End a run when this share of the unseen samples is right.");
        Option<int> threads = Cli.Whole("--threads", "Threads of torch and of the kernels.", 1, 1, 1024);
        Option<int> checkpointEvery = Cli.Whole("--checkpoint-every", "Epochs between two checkpoints; the end and Ctrl-C write one too.", 500, 1);
        var output = new Option<string>("--out") { Description = "Folder of the results; without it runs/grokking, or runs/grokking-<preset>." };
        var resume = new Option<bool>("--resume") { Description = "Continue what is unfinished in the results' folder, bit for bit." };

        var command = new RootCommand("Watch networks memorise, and some of them understand: \"Grokking at the Edge of Numerical Stability\", by its figures.")
        {
            preset, only, seeds, epochs, logEvery, stopAt, threads, checkpointEvery, output, resume,
        };
        Array.ForEach(Settings, s => command.Options.Add(s.Option));
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(preset) == "list")
            {
                return list();
            }

            Preset chosen = Only(parsed.GetValue(only), Changed(parsed, parsed.GetValue(preset)));
            T Or<T>(Option<T> option, T otherwise) => parsed.Gives(option) ? parsed.GetValue(option)! : otherwise;
            return run(new Options(
                chosen, Or(seeds, chosen.Seeds), Or(epochs, chosen.Epochs), Or(logEvery, chosen.LogEvery), Or(stopAt, chosen.StopAt),
                parsed.GetValue(threads), parsed.GetValue(checkpointEvery),
                Or(output, Path.Combine("runs", chosen.Name == "story" ? "grokking" : "grokking-" + chosen.Name)), parsed.GetValue(resume)));
        });
        return command;
    }

    /// <summary>The preset with the flags' settings over its own.</summary>
    private static Preset Changed(ParseResult parsed, string? name)
    {
        Preset preset = name is not null ? Presets.All.First(p => p.Name == name)
            : Settings.Any(s => parsed.Gives(s.Option)) ? Presets.Single : Presets.All[0];
        Run[] runs = [.. preset.Runs.Select(run => run with { Experiment = Settings.Aggregate(run.Experiment, (e, s) => s.Apply(parsed, e)) })];
        foreach (Run run in runs)
        {
            run.Experiment.Check();
            if (runs.FirstOrDefault(other => other != run && other.Experiment == run.Experiment) is { } same)
            {
                throw new ArgumentException(
                    $"'--preset {preset.Name}' has the same run twice under these flags, '{run.Name}' and '{same.Name}'; flags that leave its runs different are required.");
            }
        }

        return preset with { Runs = runs };
    }

    private static Preset Only(string? runs, Preset preset)
    {
        if (runs is null)
        {
            return preset;
        }

        string[] names = runs.Split(',');
        if (names.FirstOrDefault(name => !preset.Runs.Any(run => run.Name == name)) is { } unknown)
        {
            string known = string.Join(", ", preset.Runs.Select(run => run.Name));
            throw new ArgumentException($"'--runs' has '{unknown}'; of preset {preset.Name} one or more of {known} are required.");
        }

        return preset with { Runs = [.. preset.Runs.Where(run => names.Contains(run.Name))] };
    }

    /// <summary>A flag and what it changes.</summary>
    private sealed record Setting(Option Option, Func<ParseResult, Experiment, Experiment> Apply)
    {
        public static Setting Of<T>(Option<T> option, Func<Experiment, T, Experiment> set) =>
            new(option, (parsed, e) => parsed.Gives(option) ? set(e, parsed.GetValue(option)!) : e);
    }
}
