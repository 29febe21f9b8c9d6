using System.Globalization;
using System.Text;

namespace LanguageModel;

/// <summary>
/// The definitions of WordNet, word by word: small letters, a word is a run of letters and apostrophes, and what occurs only once is unknown. Each
/// definition ends with a mark. The definitions' order and the few that are held out for validation are the seed's.
/// </summary>
/// <param name="Definitions">How many there are.</param>
/// <param name="Words">How many words they have together, marks not counted.</param>
/// <param name="Vocabulary">The marks, then the words, the most frequent first: a token is an index into it.</param>
/// <param name="Train">Tokens to train on.</param>
/// <param name="Validation">Tokens of the definitions held out.</param>
internal sealed record Text(int Definitions, int Words, string[] Vocabulary, int[] Train, int[] Validation)
{
    public const int End = 0;
    public const int Unknown = 1;

    private const int Marks = 2;
    private const int HeldOut = 50; // one definition of so many
    private static readonly string[] Files = ["data.noun", "data.verb", "data.adj", "data.adv"];

    /// <summary>Where WordNet's own programs look first, or where Debian's package puts it.</summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable("WNSEARCHDIR") is { Length: > 0 } folder ? folder : "/usr/share/wordnet";

    public static Text Read(string folder, int seed)
    {
        string[] missing = [.. Files.Where(file => !File.Exists(Path.Combine(folder, file)))];
        if (missing.Length > 0)
        {
            throw new ArgumentException(
                $"'--wordnet' is '{folder}', where there is no {string.Join(", ", missing)}; the folder of WordNet's data files is required. " +
                "On Debian the package 'wordnet-base' brings them: `./build.sh --target=Setup` installs it.");
        }

        // First every word gets a number in order of appearance, so that each is counted and none is kept twice.
        var numbers = new Dictionary<string, int>();
        var counts = new List<int>();
        var definitions = new List<int[]>();
        foreach (string definition in Files.SelectMany(file => File.ReadLines(Path.Combine(folder, file), Encoding.Latin1)).Select(Definition).OfType<string>())
        {
            definitions.Add([.. Split(definition).Select(word => Number(definition.AsSpan(word.Start, word.Length)))]);
        }

        int words = definitions.Sum(d => d.Length);
        int[] kept = [.. Enumerable.Range(0, counts.Count).Where(n => counts[n] > 1)];
        string[] spelled = [.. numbers.Keys];
        Array.Sort(kept, (a, b) => counts[a] != counts[b] ? counts[b].CompareTo(counts[a]) : string.CompareOrdinal(spelled[a], spelled[b]));
        int[] tokens = new int[counts.Count];
        Array.Fill(tokens, Unknown);
        for (int i = 0; i < kept.Length; i++)
        {
            tokens[kept[i]] = Marks + i;
        }

        int[][] shuffled = [.. definitions];
        new Random(seed).Shuffle(shuffled);
        int held = definitions.Count / HeldOut;
        return new Text(definitions.Count, words, ["<end>", "<unknown>", .. kept.Select(n => spelled[n])], Stream(shuffled[held..]), Stream(shuffled[..held]));

        int Number(ReadOnlySpan<char> word)
        {
            if (!numbers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out int number))
            {
                number = numbers.Count;
                numbers.Add(word.ToString(), number);
                counts.Add(0);
            }

            counts[number]++;
            return number;
        }

        int[] Stream(IEnumerable<int[]> some) => [End, .. some.SelectMany(d => d.Select(n => tokens[n]).Append(End))];
    }

    /// <summary>What is in the text, for the console.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"{Definitions:N0} definitions, {Words:N0} words, of which {Vocabulary.Length - Marks:N0} occur at least twice: a vocabulary of {Vocabulary.Length:N0}");

    /// <summary>The logarithm of each token's share of the text to train on, of which all are taken to occur once more than they do.</summary>
    public float[] LogFrequencies()
    {
        int[] counts = new int[Vocabulary.Length];
        Array.ForEach(Train, token => counts[token]++);
        return [.. counts.Select(count => MathF.Log((count + 1f) / (Train.Length + Vocabulary.Length)))];
    }

    /// <summary>A line of a data file is one meaning: offsets and pointers, a bar, then the definition with its examples. The licence's lines start with blanks.</summary>
    private static string? Definition(string line)
    {
        int bar = line.StartsWith(' ') ? -1 : line.IndexOf(" | ", StringComparison.Ordinal);
        return bar < 0 ? null : line[(bar + 3)..].ToLowerInvariant();
    }

    private static IEnumerable<(int Start, int Length)> Split(string definition)
    {
        for (int at = 0, start = 0; at <= definition.Length; at++)
        {
            if (at < definition.Length && (char.IsAsciiLetterLower(definition[at]) || definition[at] == '\''))
            {
                continue;
            }

            if (at > start)
            {
                yield return (start, at - start);
            }

            start = at + 1;
        }
    }
}
