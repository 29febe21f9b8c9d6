using System.Globalization;
using TorchSharpSoftmax.Benchmarks;

// One process = one vector width, one thread count, one set of peers' settings: all of them come from the environment.
// The Bench task of build.cake starts one process for each.
string folder = "results";
string name = "softmax";
int rounds = 5;
int threads = 1;
bool keepBlocks = false;
string[] filters = ["*"];
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
            case "--out": folder = Value(); break;
            case "--name": name = Value(); break;
            case "--rounds": rounds = Whole(); break;
            case "--threads": threads = Whole(); break;
            case "--keep-large-blocks": keepBlocks = true; break;
            case "--readme": ReadmeSection.Write(Value(), folder); return 0;
            case "--filter": filters = Value().Split(','); break;
            default:
                throw new ArgumentException($"'{argument}' is unknown; --out, --name, --rounds, --threads, --keep-large-blocks, --filter and --readme are known.");
        }
    }
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Settings settings = Settings.Apply(threads, keepBlocks);
List<Measurement> measurements = Rounds.Run(rounds, filters);
string path = Report.Write(folder, name, settings, rounds, measurements);
Console.WriteLine(path);
return measurements.Count > 0 ? 0 : 1;
