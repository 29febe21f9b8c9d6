using System.Collections;
using System.Numerics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace TorchSharp.Tests.Surface;

/// <summary>Lines of a surface, findable by type and by member.</summary>
internal sealed partial class SurfaceList
{
    private static readonly HashSet<string> s_marksAndKeywords =
    [
        "[]`1", "[2]`1", "[3]`1", "[4]`1", "&`1", "*`1", "void", "bool", "byte", "sbyte", "short", "ushort", "int", "uint", "long", "ulong",
        "float", "double", "decimal", "char", "string", "object",
    ];

    private static readonly Assembly[] s_frameworkAssemblies =
        [typeof(object).Assembly, typeof(Complex).Assembly, typeof(Stack<>).Assembly, typeof(BitArray).Assembly, typeof(Enumerable).Assembly];

    public SurfaceList(IEnumerable<string> lines)
    {
        Lines = [.. lines.Where(l => l.Length > 0)];
        Types = Lines.Where(IsType).Select(SurfaceType.Parse).ToDictionary(t => t.Type.Key);
        Members = [.. Lines.Where(l => !IsType(l)).Select(SurfaceLine.Parse)];
        ByPlace = Members.ToLookup(m => m.Place);
        BySignature = Members.SelectMany(m => m.Signatures.Select(s => (s, m))).ToLookup(p => p.s, p => p.m);
    }

    public IReadOnlyList<string> Lines { get; }

    public IReadOnlyDictionary<string, SurfaceType> Types { get; }

    public IReadOnlyList<SurfaceLine> Members { get; }

    public ILookup<string, SurfaceLine> ByPlace { get; }

    public ILookup<string, SurfaceLine> BySignature { get; }

    public static bool IsType(string line) => line.StartsWith("T ", StringComparison.Ordinal);

    /// <summary>The list that is kept beside this file, built into the test assembly.</summary>
    public static SurfaceList Kept(string version)
    {
        using Stream stream = typeof(SurfaceList).Assembly.GetManifestResourceStream($"torchsharp-{version}.txt")!;
        using var reader = new StreamReader(stream);
        return new SurfaceList(Split(reader.ReadToEnd()));
    }

    /// <summary>The lines of a list; a default that is a line break stands in it as one, so a line ends where the next one begins.</summary>
    public static string[] Split(string text) => LineStart().Split(text.TrimEnd('\n'));

    /// <summary>Whether a signature with that type can be written: it is the framework's or a type of this list.</summary>
    public bool Knows(string typeKey) => s_marksAndKeywords.Contains(typeKey) || Types.ContainsKey(typeKey) || IsOfTheFramework(typeKey);

    /// <summary>The bases of a type, nearest first, with the type's own parameters put in.</summary>
    public IEnumerable<TypeNode> BaseClasses(string typeKey)
    {
        TypeNode? at = Types.GetValueOrDefault(typeKey)?.Type;
        while (at is not null && Types.TryGetValue(at.Key, out SurfaceType? type) && type.Bases.Count > 0)
        {
            Dictionary<string, TypeNode> own = type.Type.Arguments.Zip(at.Arguments).ToDictionary(p => p.First.Name, p => p.Second);
            at = type.Bases[0].Substitute(own);
            yield return at;
        }
    }

    /// <summary>The lines that serve a compiled call: those of the named type or, as the runtime looks, of the nearest base that has it.</summary>
    public IEnumerable<SurfaceLine> Find(string signature)
    {
        if (BySignature.Contains(signature))
        {
            return BySignature[signature];
        }

        int split = signature.IndexOf("::", StringComparison.Ordinal);
        string key = signature[..split];
        foreach (TypeNode at in BaseClasses(key))
        {
            foreach (SurfaceLine line in Members.Where(m => m.Declaring.Key == at.Key))
            {
                if (line.Signatures.Any(s => key + Instantiate(s[at.Key.Length..], at, Types[key].Type) == signature))
                {
                    return [line];
                }
            }
        }

        return [];
    }

    /// <summary>The lines that a reader looks for when this one is missing: of the same member, else the most alike.</summary>
    public IEnumerable<string> Nearest(string line)
    {
        if (IsType(line))
        {
            return Lines.Where(IsType).OrderBy(l => Distance(l, line)).Take(2);
        }

        SurfaceLine wanted = SurfaceLine.Parse(line);
        string[] same = [.. ByPlace[wanted.Place].Select(m => m.Text)];
        return same.Length > 0 ? same : Lines.Where(l => !IsType(l)).OrderBy(l => Distance(l, line)).Take(3);
    }

    private static string Instantiate(string signature, TypeNode at, TypeNode type) => TypeParameter().Replace(signature, m =>
    {
        var own = type.Arguments.Select((a, i) => (a.Name, i)).ToDictionary(p => p.Name, p => "!" + p.i);
        return at.Arguments[int.Parse(m.Groups[1].ValueSpan)].Substitute(own).ToString();
    });

    private static bool IsOfTheFramework(string key)
    {
        string[] names = [key, "System." + key, "System.Collections.Generic." + key, "System.IO." + key];
        return names.Any(n => s_frameworkAssemblies.Any(a => a.GetType(n) is not null));
    }

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        foreach (char c in a)
        {
            int diagonal = row[0]++;
            for (int j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (c == b[j - 1] ? 0 : 1)));
            }
        }

        return row[b.Length];
    }

    [GeneratedRegex("\n(?=T |  )")]
    private static partial Regex LineStart();

    [GeneratedRegex("(?<!!)!([0-9]+)")]
    private static partial Regex TypeParameter();
}
