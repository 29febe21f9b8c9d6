using System.CommandLine;
using System.Globalization;

namespace TorchSharpSoftmax.Tests;

/// <summary>What takes minutes: random cases by the hundred thousand, then training by the ten thousand steps.</summary>
internal static class SoakCommand
{
    private const int BadUsage = 2;

    internal static int Run(string[] args)
    {
        var cases = Whole("--cases", "Random cases over all operators, against libtorch or float64; 0 for none.", 100_000);
        var first = Whole("--first", "The number of the first one: with --cases 1 it repeats a single case.", 0);
        var seed = Whole("--seed", "Of the random cases, of the model and of its data.", 1);
        var steps = Whole("--steps", "Training steps of a model that uses every operator, while another thread collects; 0 for none.", 60_000);
        var command = new RootCommand("Random cases over all operators, then training steps of a model that uses them all. Exit code 1: a mismatch, or memory that grew.")
        {
            cases, first, seed, steps,
        };
        command.SetAction(parsed =>
        {
            bool agree = RandomSoak.Run(parsed.GetValue(seed), parsed.GetValue(first), parsed.GetValue(cases));
            bool flat = TrainingSoak.Run(parsed.GetValue(seed), parsed.GetValue(steps));
            return agree && flat ? 0 : 1;
        });
        var result = command.Parse(args);
        if (result.Errors.Count == 0)
        {
            return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }

        foreach (string message in result.Errors.Select(e => e.Message).Distinct())
        {
            Console.Error.WriteLine(message);
        }

        Console.Error.WriteLine("'--help' lists the options.");
        return BadUsage;
    }

    /// <summary>A line of progress.</summary>
    internal static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static Option<int> Whole(string name, string description, int value) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => value,
        CustomParser = result =>
        {
            string text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                result.AddError($"'{name}' is '{text}'; a whole number from 0 is required.");
            }

            return number;
        },
    };
}
