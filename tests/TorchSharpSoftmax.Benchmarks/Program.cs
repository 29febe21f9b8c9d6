using System.Globalization;
using TorchSharpSoftmax.Benchmarks;

// One process = one operator, one vector width, one thread count, one set of peers' settings; the last two come from the environment.
// The Bench task of build.cake starts one process for each.
const int NothingToMeasure = 3;

if (args is [LinearCrossEntropyMemory.Flag, var row, var itsThreads])
{
    return LinearCrossEntropyMemory.Play(row, itsThreads);
}

string folder = "results";
string? committed = null;
int? wantedRounds = null;
int threads = 1;
bool keepBlocks = false;
string[] filters = ["*"];
string[] known = [.. Table.All.Select(table => table.Operator).Distinct()];
string[] operators = known;
try
{
    for (int i = 0; i < args.Length; i++)
    {
        string argument = args[i];
        string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"'{argument}' has no value; one is required.");
        int Whole()
        {
            string text = Value();
            return int.TryParse(text, CultureInfo.InvariantCulture, out int whole) && whole > 0
                ? whole
                : throw new ArgumentException($"'{argument}' is '{text}'; a whole number of at least 1 is required.");
        }

        switch (argument)
        {
            case "--list": Array.ForEach(known, Console.WriteLine); return 0;
            case "--operator": operators = [Value()]; break;
            case "--out": folder = Value(); break;
            case "--rounds": wantedRounds = Whole(); break;
            case "--threads": threads = Whole(); break;
            case "--keep-large-blocks": keepBlocks = true; break;
            case "--filter": filters = Value().Split(','); break;
            case "--compare": committed = Value(); break;
            case "--pages":
                if (Pages.Write(Value(), folder) is { } missed)
                {
                    Console.Error.WriteLine(missed);
                    return 1;
                }

                return 0;
            default:
                throw new ArgumentException($"'{argument}' is unknown; --list, --operator, --out, --rounds, --threads, --keep-large-blocks, --filter, --compare and --pages are known.");
        }
    }

    if (operators.Except(known).FirstOrDefault() is { } unknown)
    {
        throw new ArgumentException($"'--operator' is '{unknown}'; {string.Join(", ", known)} are known.");
    }
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

var settings = new Settings(threads, keepBlocks);
Table[] tables = [.. Table.All.Where(table => operators.Contains(table.Operator) && settings.Covers(table))];
if (tables.Length > 0)
{
    settings.Apply();
}

// A comparison has to tell a third less, not to measure to a percent.
int rounds = wantedRounds ?? (committed is null ? 5 : 3);
var codes = new List<int>();
foreach (string name in operators.Intersect(tables.Select(table => table.Operator)))
{
    Console.WriteLine($"benchmarks: {settings.FileName(name)}");
    Table[] its = [.. tables.Where(table => table.Operator == name)];
    if (committed is not null)
    {
        codes.Add(Regressions.Check(committed, name, settings, its, rounds, filters) ?? NothingToMeasure);
        continue;
    }

    List<Measurement> measurements = Rounds.Run(its, rounds, filters);
    if (measurements.Count > 0)
    {
        Console.WriteLine(Report.Write(folder, name, settings, rounds, measurements));
        codes.Add(0);
    }
}

// What went wrong, then what was done, then why nothing was.
return codes.Contains(1) ? 1 : codes.Contains(0) ? 0 : codes.DefaultIfEmpty(NothingToMeasure).Max();
