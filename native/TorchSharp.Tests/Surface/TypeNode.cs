namespace TorchSharp.Tests.Surface;

/// <summary>
/// A type as a signature names it: the full name without arities, and the arguments of all its levels together, so that
/// a line of a list and a signature in metadata compare equal. Arrays, pointers and references are names that end in their mark.
/// </summary>
internal sealed record TypeNode(string Name, IReadOnlyList<TypeNode> Arguments)
{
    public static TypeNode Leaf(string name) => new(name, []);

    public string Key => Arguments.Count == 0 ? Name : $"{Name}`{Arguments.Count}";

    public TypeNode Substitute(IReadOnlyDictionary<string, string> names) =>
        new(Arguments.Count == 0 && names.TryGetValue(Name, out string? to) ? to : Name, [.. Arguments.Select(a => a.Substitute(names))]);

    public TypeNode Substitute(IReadOnlyDictionary<string, TypeNode> nodes) =>
        Arguments.Count == 0 && nodes.TryGetValue(Name, out TypeNode? to) ? to : new(Name, [.. Arguments.Select(a => a.Substitute(nodes))]);

    /// <summary>The names, with arity, of all types that this one is built of.</summary>
    public IEnumerable<string> Keys() => Arguments.SelectMany(a => a.Keys()).Prepend(Key);

    public override string ToString() => Arguments.Count == 0 ? Name : $"{Name}<{string.Join(',', Arguments)}>";
}

/// <summary>Reads types out of a line, left to right.</summary>
internal sealed class TypeReader(string text)
{
    public int At { get; set; }

    public bool Ended => At >= text.Length;

    public bool Take(string expected)
    {
        if (At + expected.Length > text.Length || string.CompareOrdinal(text, At, expected, 0, expected.Length) != 0)
        {
            return false;
        }

        At += expected.Length;
        return true;
    }

    public string Identifier()
    {
        int from = At;
        while (!Ended && (char.IsLetterOrDigit(text[At]) || text[At] == '_'))
        {
            At++;
        }

        return text[from..At];
    }

    /// <summary>`a.b&lt;c&gt;.d` as its levels, each with the arguments that it adds.</summary>
    public List<(string Name, List<TypeNode> Arguments)> Path()
    {
        var levels = new List<(string, List<TypeNode>)>();
        do
        {
            string name = Identifier();
            if (name.Length == 0)
            {
                throw new FormatException($"No name at {At} of: {text}");
            }

            levels.Add((name, Take("<") ? List('>') : []));
        }
        while (Take("."));
        return levels;
    }

    public TypeNode Type()
    {
        TypeNode type;
        if (Take("("))
        {
            type = new("ValueTuple", List(')'));
        }
        else
        {
            type = Join(Path());
        }

        while (true)
        {
            if (Take("?"))
            {
                type = new("Nullable", [type]);
            }
            else if (Take("[]"))
            {
                type = new("[]", [type]);
            }
            else if (Take("[,"))
            {
                int rank = 2;
                while (Take(","))
                {
                    rank++;
                }

                Take("]");
                type = new($"[{rank}]", [type]);
            }
            else if (Take("*"))
            {
                type = new("*", [type]);
            }
            else
            {
                return type;
            }
        }
    }

    public static TypeNode Join(IReadOnlyCollection<(string Name, List<TypeNode> Arguments)> levels) =>
        new(string.Join('.', levels.Select(l => l.Name)), [.. levels.SelectMany(l => l.Arguments)]);

    private List<TypeNode> List(char close)
    {
        var items = new List<TypeNode>();
        do
        {
            items.Add(Type());
        }
        while (Take(","));
        if (!Take(close.ToString()))
        {
            throw new FormatException($"No '{close}' at {At} of: {text}");
        }

        return items;
    }
}
