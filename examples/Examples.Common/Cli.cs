using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace TorchSharpSoftmax.Examples;

/// <summary>Options with a range, and a command line that answers a mistake with its name and exit code 2.</summary>
public static class Cli
{
    public const int BadUsage = 2;

    public static Option<int> Whole(string name, string description, int? value, int min, int max = int.MaxValue) =>
        Parsed(name, description, value ?? 0, value is not null, Number<int>(v => v >= min && v <= max), $"a whole number from {min} to {max}");

    /// <summary>A real number; <paramref name="low"/> itself is allowed only when <paramref name="orEqual"/>.</summary>
    public static Option<double> Real(string name, string description, double value, double low, double high, bool orEqual) =>
        Parsed(name, description, value, true, Number<double>(v => (orEqual ? v >= low : v > low) && v < high),
            string.Create(CultureInfo.InvariantCulture, $"a number {(orEqual ? "from" : "above")} {low} and below {high}"));

    /// <summary>A share of a whole, without a default.</summary>
    public static Option<double> Share(string name, string description) =>
        Parsed(name, description, 0, false, Number<double>(v => v > 0 && v <= 1), "a number above 0, at most 1,");

    /// <summary>Whole numbers from 0, separated by commas, none twice; without a default.</summary>
    public static Option<int[]> Wholes(string name, string description)
    {
        return Parsed(name, description, [], false, Parse, "one whole number from 0, or several different ones separated by commas,");

        static (bool, int[]) Parse(string text)
        {
            (bool Holds, int Value)[] parts = [.. text.Split(',').Select(Number<int>(v => v >= 0))];
            return (parts.All(p => p.Holds) && parts.Distinct().Count() == parts.Length, [.. parts.Select(p => p.Value)]);
        }
    }

    /// <summary>A member of an enum, spelled with small letters and dashes; the value where the option is not given is only told, not set.</summary>
    public static Option<T> Choice<T>(string name, string description, T value)
        where T : struct, Enum
    {
        Dictionary<string, T> choices = Enum.GetValues<T>().ToDictionary(Spell);
        string list = string.Join(", ", choices.Keys);
        Option<T> option = Parsed(
            name, $"{description}. [default: {Spell(value)}]", value, false, text => (choices.TryGetValue(text, out T chosen), chosen), $"one of {list}");
        option.HelpName = string.Join('|', choices.Keys);
        return option;
    }

    /// <summary><c>CollapseFree</c> as <c>collapse-free</c>.</summary>
    public static string Spell<T>(T value)
        where T : struct, Enum =>
        string.Concat(value.ToString().Select((c, i) => (char.IsUpper(c) && i > 0 ? "-" : "") + char.ToLowerInvariant(c)));

    /// <summary>Whether the user wrote the option, rather than leaving it at its default.</summary>
    public static bool Gives(this ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>Parses and runs. Every error is printed on a line of its own and gives exit code 2.</summary>
    public static int Run(RootCommand command, string[] args)
    {
        ParseResult parsed = command.Parse(args);
        if (parsed.Errors.Count == 0)
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }

        foreach (string message in parsed.Errors.Select(e => e.Message).Distinct())
        {
            Console.Error.WriteLine(message);
        }

        Console.Error.WriteLine("'--help' lists the options.");
        return BadUsage;
    }

    /// <summary>Makes sure that results can be written where the user wants them.</summary>
    public static void CreateFolder(string option, string folder)
    {
        if (string.IsNullOrWhiteSpace(folder))
        {
            throw new ArgumentException($"'{option}' is '{folder}'; a folder is required.");
        }

        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"'{option}' is '{folder}'; a folder that can be written to is required ({e.Message})", e);
        }
    }

    private static Func<string, (bool, T)> Number<T>(Func<T, bool> holds)
        where T : IParsable<T> =>
        text => (T.TryParse(text, CultureInfo.InvariantCulture, out T? parsed) && holds(parsed), parsed!);

    private static Option<T> Parsed<T>(string name, string description, T value, bool isDefault, Func<string, (bool Holds, T Value)> parse, string required)
    {
        var option = new Option<T>(name) { Description = description };
        if (isDefault)
        {
            option.DefaultValueFactory = _ => value;
        }

        option.CustomParser = result =>
        {
            string text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
            (bool holds, T parsed) = parse(text);
            if (!holds)
            {
                result.AddError($"'{name}' is '{text}'; {required} is required.");
            }

            return holds ? parsed : value;
        };
        return option;
    }
}
