using System.Reflection;

namespace TorchSharp.Tests.Surface;

/// <summary>
/// Writes the kept lists out of the full ones, which lie outside the repository: `surface update|check &lt;folder of the full lists&gt; &lt;this folder&gt;`.
/// Kept are, verbatim and in the full lists' order, all lines of every member name that the stand-in has (0.107.0), and those that the library calls (0.102.8).
/// </summary>
internal static class KeptLists
{
    public static int Run(string mode, string fullFolder, string keptFolder)
    {
        var ours = new SurfaceList(SurfaceFormat.Lines(Assembly.Load("TorchSharp")));
        CompiledCalls calls = CompiledCalls.Of(SurfaceTests.LibraryPath, "TorchSharp");
        int differing = 0;
        foreach ((string version, Func<SurfaceList, HashSet<string>> choose) in new (string, Func<SurfaceList, HashSet<string>>)[]
        {
            ("0.107.0", full => OfTheStandIn(ours, full)),
            ("0.102.8", full => OfTheLibrary(calls, full)),
        })
        {
            string name = $"torchsharp-{version}.txt";
            string[] all = SurfaceList.Split(File.ReadAllText(Path.Combine(fullFolder, name)));
            HashSet<string> chosen = choose(new SurfaceList(all));
            string text = string.Concat(all.Where(chosen.Contains).Select(l => l + "\n"));
            string kept = Path.Combine(keptFolder, name);
            string[] before = File.Exists(kept) ? SurfaceList.Split(File.ReadAllText(kept)) : [];
            string[] foreign = [.. before.Except(all).Where(l => l.Length > 0)];
            Console.WriteLine($"{name}: {chosen.Count} lines are used, {before.Length} were kept, {foreign.Length} of them are not in the full list");
            Console.Write(string.Concat(foreign.Select(l => $"not in the full list: {l}\n")));
            if (mode == "update")
            {
                File.WriteAllText(kept, text);
            }
            else if (!before.SequenceEqual(all.Where(chosen.Contains)))
            {
                Console.WriteLine($"{name} is not what an update would write.");
                differing++;
            }
        }

        return differing == 0 ? 0 : 1;
    }

    private static HashSet<string> OfTheStandIn(SurfaceList ours, SurfaceList full)
    {
        var places = ours.Members.Select(m => m.Place).ToHashSet();
        return [.. TypeLines(ours.Types.Keys, full), .. full.Members.Where(m => places.Contains(m.Place) || IsAbstractIn(ours.Types, m)).Select(m => m.Text)];
    }

    private static HashSet<string> OfTheLibrary(CompiledCalls calls, SurfaceList full)
    {
        var bases = calls.DerivedTypes.SelectMany(d => full.BaseClasses(d.Base.Key).Append(d.Base)).Select(b => b.Key).ToHashSet();
        IEnumerable<SurfaceLine> called = calls.Members.SelectMany(full.Find);
        IEnumerable<SurfaceLine> owed = full.Members.Where(m => m.IsAbstract && bases.Contains(m.Declaring.Key));
        return [.. TypeLines(calls.Types, full), .. called.Concat(owed).Select(m => m.Text)];
    }

    private static bool IsAbstractIn(IReadOnlyDictionary<string, SurfaceType> types, SurfaceLine m) => m.IsAbstract && types.ContainsKey(m.Declaring.Key);

    private static IEnumerable<string> TypeLines(IEnumerable<string> keys, SurfaceList full) =>
        keys.Where(full.Types.ContainsKey).SelectMany(k => full.BaseClasses(k).Select(b => b.Key).Prepend(k))
            .Where(full.Types.ContainsKey).Select(k => full.Types[k].Text);
}
