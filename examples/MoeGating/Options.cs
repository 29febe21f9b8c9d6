using System.CommandLine;
using System.Globalization;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>Which of the two programs run, and how.</summary>
internal sealed record Options(
    bool Digits, bool Gaussian, IReadOnlyList<DigitGate> Gates, IReadOnlyList<int> Seeds, int Epochs, int LogEvery,
    int Repetitions, IReadOnlyList<int> Sizes, int Threads, string Out, bool Resume)
{
    private const int FewestSizes = 3, SmallestSize = 100;
    private static readonly string[] Programs = ["digits", "gaussian"];
    private static readonly int[] DefaultSeeds = [0, 1, 2];
    private static readonly int[] DefaultSizes = [1000, 2000, 4000, 8000, 16_000, 32_000];

    public static RootCommand Command(Func<Options, int> run)
    {
        var program = new Argument<string>("program")
        {
            Description = "digits: gates of a mixture of small networks. gaussian: what data tell of a gate's parameters. Without it: both, one after the other.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        program.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !Programs.Contains(result.Tokens[0].Value))
            {
                result.AddError($"'program' is '{result.Tokens[0].Value}'; one of {string.Join(", ", Programs)}, or nothing for both, is required.");
            }
        });
        var gates = new Option<string>("--gates") { Description = $"digits: only these, separated by commas: {string.Join(", ", DigitGate.All.Select(g => g.Name))}." };
        Option<int[]> seeds = Cli.Wholes("--seeds", "digits: seeds of pictures and initial weights; each gate runs with each. [default: 0,1,2]");
        Option<int> epochs = Cli.Whole("--epochs", "digits: how often each training picture is seen.", 15, 1, 10_000);
        Option<int> logEvery = Cli.Whole("--log-every", "digits: steps between two rows of metrics.", 20, 1);
        Option<int> repetitions = Cli.Whole("--repetitions", "gaussian: samples drawn at each size; ten times as many for the top-1 gate.", 20, 1, 10_000);
        Option<int[]> sizes = Cli.Wholes("--sizes", $"gaussian: how many observations a sample has. [default: {string.Join(',', DefaultSizes)}]");
        Option<int> threads = Cli.Whole("--threads", "Threads of torch and of the kernels.", 1, 1, 1024);
        var output = new Option<string>("--out") { Description = "Folder of the results.", DefaultValueFactory = _ => Path.Combine("runs", "moe-gating") };
        var resume = new Option<bool>("--resume") { Description = "Keep what is finished in the results' folder, and do the rest." };

        var command = new RootCommand("Gates of mixtures of experts: which of them learn, how evenly they load their experts, and which of their parameters data determine.")
        {
            program, gates, seeds, epochs, logEvery, repetitions, sizes, threads, output, resume,
        };
        command.SetAction(parsed =>
        {
            string? chosen = parsed.GetValue(program);
            Option[] digitsOnly = [gates, seeds, epochs, logEvery], gaussianOnly = [repetitions, sizes];
            Option[] foreign = chosen switch { "digits" => gaussianOnly, "gaussian" => digitsOnly, _ => [] };
            if (foreign.FirstOrDefault(parsed.Gives) is { } other)
            {
                throw new ArgumentException($"'{other.Name}' is an option of '{Programs.First(p => p != chosen)}'; an option of '{chosen}' is required.");
            }

            return run(new Options(
                chosen != "gaussian", chosen != "digits", Chosen(parsed.GetValue(gates)), parsed.Gives(seeds) ? parsed.GetValue(seeds)! : DefaultSeeds,
                parsed.GetValue(epochs), parsed.GetValue(logEvery), parsed.GetValue(repetitions), Checked(parsed.Gives(sizes) ? parsed.GetValue(sizes)! : DefaultSizes),
                parsed.GetValue(threads), parsed.GetValue(output)!, parsed.GetValue(resume)));
        });
        return command;
    }

    private static DigitGate[] Chosen(string? gates)
    {
        if (gates is null)
        {
            return DigitGate.All;
        }

        string[] names = gates.Split(',');
        if (names.FirstOrDefault(name => !DigitGate.All.Any(gate => gate.Name == name)) is { } unknown)
        {
            throw new ArgumentException($"'--gates' has '{unknown}'; one or more of {string.Join(", ", DigitGate.All.Select(g => g.Name))} are required.");
        }

        return [.. DigitGate.All.Where(gate => names.Contains(gate.Name))];
    }

    private static int[] Checked(int[] sizes)
    {
        if (sizes.Length < FewestSizes || sizes.Min() < SmallestSize)
        {
            string list = string.Join(',', sizes.Select(n => n.ToString(CultureInfo.InvariantCulture)));
            throw new ArgumentException($"'--sizes' is '{list}'; at least {FewestSizes} numbers from {SmallestSize} are required, for a line and its error.");
        }

        return [.. sizes.Order()];
    }
}
