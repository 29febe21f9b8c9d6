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
for (int i = 0; i < args.Length; i++)
{
    string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"'{args[i]}' has no value; one is required.");
    switch (args[i])
    {
        case "--out": folder = Value(); break;
        case "--name": name = Value(); break;
        case "--rounds": rounds = int.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--threads": threads = int.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--keep-large-blocks": keepBlocks = true; break;
        case "--readme": ReadmeSection.Write(Value(), folder); return 0;
        case "--filter": filters = Value().Split(','); break;
        default:
            Console.Error.WriteLine($"'{args[i]}' is unknown; --out, --name, --rounds, --threads, --keep-large-blocks, --filter and --readme are known.");
            return 2;
    }
}

Settings settings = Settings.Apply(threads, keepBlocks);
List<Measurement> measurements = Rounds.Run(rounds, filters);
string path = Report.Write(folder, name, settings, rounds, measurements);
Console.WriteLine(path);
return measurements.Count > 0 ? 0 : 1;
