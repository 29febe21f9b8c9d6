using System.Reflection;

namespace TorchSharp.Tests.Surface;

/// <summary>
/// Writes the kept lists out of the full ones, which lie outside the repository: `surface update|check &lt;folder of the full lists&gt; &lt;this folder&gt;`.
/// Kept are, verbatim and in the full lists' order, all lines of every type and member name that the stand-in has: what the library
/// can be compiled against is then decided by the kept lists alone.
/// </summary>
internal static class KeptLists
{
    public static int Run(string mode, string fullFolder, string keptFolder)
    {
        var ours = new SurfaceList(SurfaceFormat.Lines(Assembly.Load("TorchSharp")));
        int differing = 0;
        foreach (string version in new[] { "0.107.0", "0.102.8" })
        {
            string name = $"torchsharp-{version}.txt";
            string[] all = SurfaceList.Split(File.ReadAllText(Path.Combine(fullFolder, name)));
            HashSet<string> chosen = Chosen(ours, new SurfaceList(all));
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

    private static HashSet<string> Chosen(SurfaceList ours, SurfaceList full)
    {
        var names = ours.Members.ToLookup(m => m.Declaring.Key, m => m.Name);
        var chosen = new HashSet<string>();
        foreach (string key in ours.Types.Keys.Where(full.Types.ContainsKey))
        {
            // With the bases: another version may have a member one class further up, and a call finds it there.
            string[] line = [.. full.BaseClasses(key).Select(b => b.Key).Prepend(key).Where(full.Types.ContainsKey)];
            chosen.UnionWith(line.Select(k => full.Types[k].Text));
            chosen.UnionWith(line.SelectMany(k => names[key].Distinct().SelectMany(n => full.ByPlace[$"{k}::{n}"])).Select(m => m.Text));
            chosen.UnionWith(full.Members.Where(m => m.IsAbstract && line.Contains(m.Declaring.Key)).Select(m => m.Text));
        }

        return chosen;
    }
}
