using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace TorchSharpSoftmax.Examples;

/// <summary>Options with a range, and a command line that answers a mistake with its name and exit code 2.</summary>
public static class Cli
{
    public const int BadUsage = 2;

    public static Option<int> Whole(string name, string description, int value, int min, int max = int.MaxValue) =>
        Ranged(name, description, value, v => v >= min && v <= max, $"a whole number from {min} to {max}");

    /// <summary>A real number; <paramref name="low"/> itself is allowed only when <paramref name="orEqual"/>.</summary>
    public static Option<double> Real(string name, string description, double value, double low, double high, bool orEqual) =>
        Ranged(name, description, value, v => (orEqual ? v >= low : v > low) && v < high,
            string.Create(CultureInfo.InvariantCulture, $"a number {(orEqual ? "from" : "above")} {low} and below {high}"));

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

    private static Option<T> Ranged<T>(string name, string description, T value, Func<T, bool> holds, string required)
        where T : IParsable<T>
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => value };
        option.CustomParser = result =>
        {
            string text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
            if (T.TryParse(text, CultureInfo.InvariantCulture, out T? parsed) && holds(parsed))
            {
                return parsed;
            }

            result.AddError($"'{name}' is '{text}'; {required} is required.");
            return value;
        };
        return option;
    }
}
