using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>A claim, what was measured of it, and whether that is as the claim says.</summary>
internal sealed record Finding(string Claim, string Measured, bool Holds);

/// <summary>What both programs say and keep.</summary>
internal static class Output
{
    public static void Print(IEnumerable<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            Console.WriteLine($"  {(finding.Holds ? "as expected" : "NOT AS EXPECTED")}: {finding.Claim}: {finding.Measured}.");
        }
    }

    public static void PrintPicture(string picture, string? trouble) => Console.WriteLine(trouble is null
        ? $"  picture  {Path.GetFullPath(picture)}"
        : $"  no picture: {trouble}; the data are in the files.");

    public static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Keeps a program's settings beside its results. With '--resume' those of an earlier run must be there, and the same.</summary>
    public static void KeepSettings<T>(string folder, T settings, bool resume)
        where T : notnull
    {
        string path = Path.Combine(folder, "settings.json");
        if (resume)
        {
            string earlier = File.ReadAllText(path), now = JsonSerializer.Serialize(settings);
            if (earlier != now)
            {
                throw new ArgumentException($"'--resume' finds results of other settings in '{folder}'; the same are required. There: {earlier}; here: {now}");
            }
        }
        else
        {
            Cli.CreateFolder("--out", folder);
            File.WriteAllText(path, JsonSerializer.Serialize(settings));
        }
    }

    public static bool HasResults(string folder) => File.Exists(Path.Combine(folder, "settings.json"));
}
