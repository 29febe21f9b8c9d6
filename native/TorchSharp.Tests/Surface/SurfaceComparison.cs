namespace TorchSharp.Tests.Surface;

/// <summary>What a surface has that the real one has not, and what of the real one it should have as well. Each finding is one readable text.</summary>
internal static class SurfaceComparison
{
    /// <summary>Members that do not stand, letter for letter, among the real ones.</summary>
    public static List<string> Invented(SurfaceList ours, SurfaceList real)
    {
        var there = real.Lines.ToHashSet();
        return [.. ours.Lines.Where(l => !SurfaceList.IsType(l) && !there.Contains(l)).Select(l => Report("not a member of the real one", l, real))];
    }

    /// <summary>Types of another kind, another base, or with an interface that the real one lacks.</summary>
    public static List<string> Misshapen(SurfaceList ours, SurfaceList real)
    {
        var found = new List<string>();
        foreach (SurfaceType type in ours.Types.Values)
        {
            if (!real.Types.TryGetValue(type.Type.Key, out SurfaceType? other))
            {
                found.Add(Report("not a type of the real one", type.Text, real));
                continue;
            }

            // Types between the two that the stand-in has not are passed over: its base is the nearest real base that it knows.
            HashSet<string> theirBases = [.. other.Bases.Select(b => b.ToString())];
            HashSet<string> classes = [.. real.BaseClasses(type.Type.Key).Select(b => b.ToString())];
            theirBases.UnionWith(classes);
            HashSet<string> ourBases = [.. type.Bases.Select(b => b.ToString())];
            string[] owed = [.. other.Bases.Where(b => b.Keys().All(ours.Knows)).Select(b => b.ToString())];
            if (type.Kind != other.Kind || !ourBases.IsSubsetOf(theirBases) || owed.Any(b => !ourBases.Contains(b)))
            {
                found.Add(Report("another kind, base or interface", type.Text, real));
            }
        }

        return found;
    }

    /// <summary>Real overloads of a name we have, in types we know, and real abstract members: without them code binds otherwise than on the real one.</summary>
    public static List<string> Missing(SurfaceList ours, SurfaceList real)
    {
        var have = ours.Lines.ToHashSet();
        return
        [
            .. real.Members
                .Where(m => !have.Contains(m.Text) && Owed(m))
                .Select(m => $"missing {(m.IsAbstract ? "abstract member" : "overload")}:\n{m.Text}"),
        ];

        bool Owed(SurfaceLine m) =>
            ours.Types.TryGetValue(m.Declaring.Key, out SurfaceType? type) && type.Kind != "enum"
            && (m.IsAbstract || ours.ByPlace.Contains(m.Place))
            && m.TypeKeys.All(ours.Knows);
    }

    private static string Report(string what, string line, SurfaceList real) =>
        $"{what}:\n{line}\n    nearest real lines:\n{string.Join('\n', real.Nearest(line))}";
}
