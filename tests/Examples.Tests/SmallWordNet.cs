using System.Globalization;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>A folder of WordNet's data files with a few hundred definitions of few words, for runs of a second.</summary>
internal static class SmallWordNet
{
    private static readonly string[] Words = ["a", "the", "of", "small", "large", "bird", "plant", "with", "red", "wings", "that", "grows", "it's", "old"];

    public static string Write(string folder, int definitions = 400)
    {
        var random = new Random(7);
        return Write(folder, [.. Enumerable.Range(0, definitions).Select(_ => Definition(random))]);
    }

    /// <summary>A word is often the one that follows in the list: there is something to learn.</summary>
    private static string Definition(Random random)
    {
        int[] words = new int[random.Next(4, 12)];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = i == 0 || random.Next(4) == 0 ? random.Next(Words.Length) : (words[i - 1] + 1) % Words.Length;
        }

        return string.Join(' ', words.Select(w => Words[w]));
    }

    /// <summary>A fourth of the definitions in each file, in their order.</summary>
    public static string Write(string folder, string[] definitions)
    {
        Directory.CreateDirectory(folder);
        string[] files = ["data.noun", "data.verb", "data.adj", "data.adv"];
        int each = (definitions.Length + files.Length - 1) / files.Length;
        foreach ((string file, int i) in files.Select((f, i) => (f, i)))
        {
            IEnumerable<string> lines = definitions.Skip(i * each).Take(each)
                .Select((d, at) => string.Create(CultureInfo.InvariantCulture, $"{at:00000000} 02 r 01 word 0 000 | {d}  "));
            File.WriteAllLines(Path.Combine(folder, file), ["  1 This is the licence | and no definition.  ", .. lines]);
        }

        return folder;
    }
}
