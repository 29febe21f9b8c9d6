using System.CommandLine;
using System.Globalization;
using TorchSharpSoftmax.Examples;

namespace LanguageModel;

internal enum LossChoice { Both, LinearCrossEntropy, CrossEntropy }

/// <summary>What is learnt, and how it is run.</summary>
/// <param name="Child">Set in a process that another one started to train with this loss.</param>
internal sealed record Options(
    Experiment Experiment, IReadOnlyList<LossName> Losses, int Steps, int ValidateEvery, int CheckpointEvery, int Threads,
    int Samples, double Temperature, string WordNet, string Out, bool Resume, LossName? Child)
{
    private const LossChoice DefaultChoice = LossChoice.Both;
    private static readonly Experiment Default = new();

    public static RootCommand Command(Func<Options, int> run)
    {
        Option<LossChoice> loss = Cli.Choice("--loss", "Whose head is trained", DefaultChoice);
        Option<int> steps = Cli.Whole("--steps", "Batches to learn from.", 200, 1);
        Option<int> width = Cli.Whole("--width", "Numbers that a word is in the model.", Default.Width, 1, 4096);
        Option<int> blocks = Cli.Whole("--blocks", "Blocks of attention.", Default.Blocks, 1, 100);
        Option<int> heads = Cli.Whole("--heads", "Heads of an attention.", Default.Heads, 1, 1000);
        Option<int> context = Cli.Whole("--context", "Words that the model looks back at.", Default.Context, 1, 10_000);
        Option<int> batch = Cli.Whole("--batch", "Windows of '--context' words in a batch.", Default.Batch, 1, 1_000_000);
        var bias = new Option<bool>("--bias") { Description = "Give the head a bias, which starts as the words' frequencies. [default: true]", DefaultValueFactory = _ => Default.Bias };
        Option<double> rate = Cli.Real("--lr", "AdamW's learning rate.", Default.LearningRate, 0, 1000, orEqual: false);
        Option<int> warmup = Cli.Whole("--warmup", "Steps in which the learning rate rises to that.", Default.Warmup, 1);
        Option<double> decay = Cli.Real("--weight-decay", "AdamW's decoupled weight decay.", Default.WeightDecay, 0, 1000, orEqual: true);
        Option<int> seed = Cli.Whole("--seed", "Seed of initial weights, order of the text and samples.", Default.Seed, 0);
        Option<int> validateEvery = Cli.Whole("--validate-every", "Steps between two validations; the end has one too.", 25, 1);
        Option<int> checkpointEvery = Cli.Whole("--checkpoint-every", "Steps between two checkpoints; the end and Ctrl-C write one too.", 50, 1);
        Option<int> threads = Cli.Whole("--threads", "Threads of torch and of the kernels.", Environment.ProcessorCount, 1, 1024);
        Option<int> samples = Cli.Whole("--samples", "Definitions that the trained model writes.", 6, 0, 1000);
        Option<double> temperature = Cli.Real("--temperature", "Below 1 the samples keep to likely words.", 0.8, 0, 100, orEqual: false);
        var wordNet = new Option<string>("--wordnet") { Description = "Folder of WordNet's data files.", DefaultValueFactory = _ => Text.DefaultFolder };
        var output = new Option<string>("--out") { Description = "Folder of the results.", DefaultValueFactory = _ => Path.Combine("runs", "language-model") };
        var resume = new Option<bool>("--resume") { Description = "Continue what is unfinished in the results' folder, bit for bit." };
        Option<LossName> child = Cli.Choice("--child", "For the program's own use: train with this loss, until the input ends", LossName.LinearCrossEntropy);
        child.Hidden = true;

        var command = new RootCommand("Train a small GPT on the definitions of WordNet twice: with linear_cross_entropy, and with libtorch's linear and cross_entropy.")
        {
            loss, steps, width, blocks, heads, context, batch, bias, rate, warmup, decay, seed, validateEvery, checkpointEvery, threads,
            samples, temperature, wordNet, output, resume, child,
        };
        command.SetAction(parsed =>
        {
            var experiment = new Experiment
            {
                Width = parsed.GetValue(width),
                Blocks = parsed.GetValue(blocks),
                Heads = parsed.GetValue(heads),
                Context = parsed.GetValue(context),
                Batch = parsed.GetValue(batch),
                Bias = parsed.GetValue(bias),
                LearningRate = parsed.GetValue(rate),
                Warmup = parsed.GetValue(warmup),
                WeightDecay = parsed.GetValue(decay),
                Seed = parsed.GetValue(seed),
            };
            experiment.Check();
            return run(new Options(
                experiment, Chosen(parsed.Gives(loss) ? parsed.GetValue(loss) : DefaultChoice), parsed.GetValue(steps), parsed.GetValue(validateEvery),
                parsed.GetValue(checkpointEvery), parsed.GetValue(threads), parsed.GetValue(samples), parsed.GetValue(temperature),
                parsed.GetValue(wordNet)!, parsed.GetValue(output)!, parsed.GetValue(resume), parsed.Gives(child) ? parsed.GetValue(child) : null));
        });
        return command;
    }

    private static LossName[] Chosen(LossChoice choice) => choice switch
    {
        LossChoice.LinearCrossEntropy => [LossName.LinearCrossEntropy],
        LossChoice.CrossEntropy => [LossName.CrossEntropy],
        _ => [LossName.LinearCrossEntropy, LossName.CrossEntropy],
    };

    /// <summary>How large the head is, for the console.</summary>
    public string Describe(Text text)
    {
        double head = (double)text.Vocabulary.Length * Experiment.Width;
        double logits = (double)text.Vocabulary.Length * Experiment.Tokens * sizeof(float) / (1024 * 1024);
        return string.Create(CultureInfo.InvariantCulture,
            $"{Experiment.Tokens:N0} words a step; the head has {head / 1e6:0.0} M weights, its logits would take {logits:N0} MiB; {Threads} thread(s)");
    }
}
