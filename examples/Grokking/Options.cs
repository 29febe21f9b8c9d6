using System.CommandLine;
using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>What one run depends on; saved with its checkpoint, so that a resumed run can be held to it.</summary>
internal sealed record Settings(int P, double TrainFraction, int Hidden, double LearningRate, double WeightDecay, int Seed, int Threads);

/// <summary>The command line.</summary>
internal sealed record Options(Settings Settings, int Epochs, int LogEvery, int CheckpointEvery, string Out, bool Resume)
{
    public static RootCommand Command(Func<Options, int> run)
    {
        Option<int> p = Cli.Whole("--p", "The modulus: learn (a + b) mod p.", 97, 2, 1000);
        Option<double> fraction = Cli.Real("--train-fraction", "The share of all p*p pairs that is trained on.", 0.4, 0, 1, orEqual: false);
        Option<int> hidden = Cli.Whole("--hidden", "Width of the two hidden layers.", 200, 1, 100_000);
        Option<double> rate = Cli.Real("--lr", "AdamW's learning rate.", 0.01, 0, 1000, orEqual: false);
        Option<double> decay = Cli.Real("--weight-decay", "AdamW's decoupled weight decay; without it this model does not grok.", 4, 0, 1000, orEqual: true);
        Option<int> seed = Cli.Whole("--seed", "Seed of the split and of the initial weights.", 0, 0);
        Option<int> threads = Cli.Whole("--threads", "Threads of torch and of the kernels.", 1, 1, 1024);
        Option<int> epochs = Cli.Whole("--epochs", "Full-batch steps.", 400, 1);
        Option<int> logEvery = Cli.Whole("--log-every", "Epochs between two rows of metrics (the first twenty epochs have a row each).", 5, 1);
        Option<int> checkpointEvery = Cli.Whole("--checkpoint-every", "Epochs between two checkpoints; the end and Ctrl-C write one too.", 100, 1);
        var output = new Option<string>("--out") { Description = "Folder of the results.", DefaultValueFactory = _ => Path.Combine("runs", "grokking") };
        var resume = new Option<bool>("--resume") { Description = "Continue from the checkpoint in the results' folder, bit for bit." };

        var command = new RootCommand("Watch a network memorise modular addition, and then, all at once, understand it.")
        {
            p, fraction, hidden, rate, decay, seed, threads, epochs, logEvery, checkpointEvery, output, resume,
        };
        command.SetAction(parsed => run(new Options(
            new Settings(
                parsed.GetValue(p), parsed.GetValue(fraction), parsed.GetValue(hidden), parsed.GetValue(rate),
                parsed.GetValue(decay), parsed.GetValue(seed), parsed.GetValue(threads)),
            parsed.GetValue(epochs), parsed.GetValue(logEvery), parsed.GetValue(checkpointEvery),
            parsed.GetValue(output)!, parsed.GetValue(resume))));
        return command;
    }
}
