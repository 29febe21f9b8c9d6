using System.Text.RegularExpressions;

namespace TorchSharp.Tests.Surface;

/// <summary>One member's line, read: what it declares, where, and what a compiled call of it looks like.</summary>
internal sealed partial class SurfaceLine
{
    private SurfaceLine(string text, TypeNode declaring, string name)
    {
        Text = text;
        Declaring = declaring;
        Name = name;
    }

    public string Text { get; }

    /// <summary>The type that declares the member, its own parameters as arguments.</summary>
    public TypeNode Declaring { get; }

    /// <summary>The member's name; `.ctor` for a constructor, `this` for an indexer.</summary>
    public string Name { get; }

    public bool IsAbstract { get; private init; }

    /// <summary>All types that the member's signature names, with arity, without the member's and its type's own parameters.</summary>
    public required IReadOnlyCollection<string> TypeKeys { get; init; }

    /// <summary>The members of metadata that the line stands for, type parameters by position: one, or a property's accessors.</summary>
    public required IReadOnlyList<string> Signatures { get; init; }

    public string Place => $"{Declaring.Key}::{Name}";

    public static SurfaceLine Parse(string text)
    {
        string rest = text.Trim();
        string[] constraints = [];
        if (rest.EndsWith(" [Obsolete]", StringComparison.Ordinal))
        {
            rest = rest[..^" [Obsolete]".Length];
        }

        int where = rest.IndexOf(" where ", StringComparison.Ordinal);
        if (where >= 0)
        {
            constraints = rest[(where + 1)..].Split("where ", StringSplitOptions.RemoveEmptyEntries);
            rest = rest[..where];
        }

        Match modifiers = LeadingModifiers().Match(rest);
        var reader = new TypeReader(rest) { At = modifiers.Length };
        if (modifiers.Length == 0)
        {
            var member = reader.Path();
            TypeNode type = TypeReader.Join(member[..^1]);
            return new SurfaceLine(text, type, member[^1].Name) { TypeKeys = [], Signatures = [$"{type.Key}::{member[^1].Name}:{type}"] };
        }

        bool isConstructor = reader.Take("ctor ");
        reader.Take("event ");
        TypeNode result = isConstructor ? TypeNode.Leaf("void") : reader.Type();
        if (!isConstructor && !reader.Take(" "))
        {
            throw new FormatException($"No member after the type in: {text}");
        }

        var path = reader.Path();
        var generic = isConstructor ? [] : path[^1].Arguments;
        string name = isConstructor ? ".ctor" : path[^1].Name;
        TypeNode declaring = TypeReader.Join(isConstructor ? path : path[..^1]);

        var own = new Dictionary<string, string>();
        foreach (var (parameter, i) in declaring.Arguments.Select((a, i) => (a.Name, i)))
        {
            own[parameter] = "!" + i;
        }

        foreach (var (parameter, i) in generic.Select((a, i) => (a.Name, i)))
        {
            own[parameter] = "!!" + i;
        }

        bool isIndexer = name == "this" && reader.Take("[");
        bool isMethod = !isIndexer && reader.Take("(");
        List<TypeNode> parameters = isIndexer ? Parameters(rest, reader, ']') : isMethod ? Parameters(rest, reader, ')') : [];
        string accessors = isMethod ? "" : rest[reader.At..];

        TypeNode To(TypeNode t) => t.Substitute(own);
        string list = string.Join(',', parameters.Select(To));
        string at = $"{declaring.Key}::";
        List<string> signatures = [];
        if (isMethod)
        {
            signatures.Add($"{at}{name}{(generic.Count > 0 ? "`" + generic.Count : "")}({list}):{To(result)}");
        }
        else if (accessors.Contains('{', StringComparison.Ordinal))
        {
            string stem = isIndexer ? "Item" : name;
            if (accessors.Contains("get;", StringComparison.Ordinal))
            {
                signatures.Add($"{at}get_{stem}({list}):{To(result)}");
            }

            if (accessors.Contains("set;", StringComparison.Ordinal))
            {
                signatures.Add($"{at}set_{stem}({(list.Length > 0 ? list + "," : "")}{To(result)}):void");
            }
        }
        else
        {
            signatures.Add($"{at}{name}:{To(result)}");
        }

        IEnumerable<TypeNode> named = parameters.Append(result).Concat(constraints.SelectMany(ConstraintTypes));
        return new SurfaceLine(text, declaring, name)
        {
            IsAbstract = modifiers.Value.Contains("abstract ", StringComparison.Ordinal),
            TypeKeys = [.. named.SelectMany(t => t.Keys()).Where(k => !own.ContainsKey(k)).Distinct()],
            Signatures = signatures,
        };
    }

    private static List<TypeNode> Parameters(string text, TypeReader reader, char close)
    {
        var parameters = new List<TypeNode>();
        while (!reader.Take(close.ToString()))
        {
            reader.Take("params ");
            bool byReference = reader.Take("ref ") || reader.Take("out ") || reader.Take("in ");
            TypeNode type = reader.Type();
            parameters.Add(byReference ? new("&", [type]) : type);
            reader.Take(" ");
            reader.Identifier();
            if (reader.Take(" = "))
            {
                SkipDefault(text, reader, close);
            }

            reader.Take(", ");
        }

        return parameters;
    }

    private static void SkipDefault(string text, TypeReader reader, char close)
    {
        if (reader.Take("\""))
        {
            reader.At = text.IndexOf('"', reader.At) + 1;
            return;
        }

        while (!reader.Ended && text[reader.At] != close && text[reader.At] != ',')
        {
            reader.At++;
        }
    }

    private static IEnumerable<TypeNode> ConstraintTypes(string constraint)
    {
        var reader = new TypeReader(constraint.Trim());
        reader.Identifier();
        reader.Take(" : ");
        do
        {
            if (!(reader.Take("new()") || reader.Take("class") || reader.Take("struct") || reader.Take("unmanaged")))
            {
                yield return reader.Type();
            }
        }
        while (reader.Take(", "));
    }

    [GeneratedRegex("^((public|protected|internal|static|abstract|virtual|override|sealed|readonly|const) )*")]
    private static partial Regex LeadingModifiers();
}

/// <summary>One type's line, read.</summary>
internal sealed record SurfaceType(string Text, TypeNode Type, string Kind, IReadOnlyList<TypeNode> Bases)
{
    public static SurfaceType Parse(string text)
    {
        var reader = new TypeReader(text);
        reader.Take("T ");
        TypeNode type = reader.Type();
        reader.At = text.IndexOf(']', StringComparison.Ordinal) + 2;
        int from = reader.At;
        string head = text[from..];
        int where = head.IndexOf(" where ", StringComparison.Ordinal);
        int colon = head.IndexOf(" : ", StringComparison.Ordinal);
        bool hasBases = colon >= 0 && (where < 0 || colon < where);
        string kind = head[..(hasBases ? colon : where >= 0 ? where : head.Length)];
        var bases = new List<TypeNode>();
        if (hasBases)
        {
            reader.At = from + colon + 3;
            do
            {
                bases.Add(reader.Type());
            }
            while (reader.Take(", "));
        }

        return new(text, type, kind + (where >= 0 ? head[where..] : ""), bases);
    }
}
