using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp.Tests.Surface;

/// <summary>Writes the public and protected surface of an assembly, one line a member, in the format of the kept lists of the real TorchSharp.</summary>
internal static class SurfaceFormat
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly HashSet<string> s_unwrittenNamespaces = ["System", "System.Collections.Generic", "System.IO", "TorchSharp"];

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    /// <summary>Every visible type and member: the type's line first, then its members', indented by two, as the lists have them.</summary>
    public static IEnumerable<string> Lines(Assembly assembly) =>
        assembly.GetTypes().Where(Visible).OrderBy(TypeName, StringComparer.Ordinal).SelectMany(t => MemberLines(t).Prepend(TypeLine(t)));

    public static string TypeLine(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        var bases = new List<string>();
        if (type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) && b != typeof(Enum))
        {
            bases.Add(TypeName(b));
        }

        bases.AddRange(type.GetInterfaces().Where(i => i.IsVisible || i.Assembly != type.Assembly).Select(TypeName));
        return $"T {TypeName(type)} | [{type.Namespace}] {kind}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}{Constraints(OwnArguments(type))}";
    }

    public static IEnumerable<string> MemberLines(Type type)
    {
        if (type.IsEnum)
        {
            foreach (FieldInfo f in type.GetFields(BindingFlags.Public | BindingFlags.Static))
            {
                yield return $"  {TypeName(type)}.{f.Name} = {Convert.ToInt64(f.GetRawConstantValue(), CultureInfo.InvariantCulture)}";
            }

            yield break;
        }

        var lines = new List<string>();
        lines.AddRange(type.GetConstructors(Declared).Where(c => !c.IsStatic && Access(c) is not null)
            .Select(c => $"  {Access(c)} ctor {TypeName(type)}({Parameters(c.GetParameters())}){Obsolete(c)}"));
        lines.AddRange(type.GetFields(Declared).Where(f => Access(f) is not null && !f.Name.Contains('<')).Select(FieldLine));
        lines.AddRange(type.GetProperties(Declared).Where(p => p.GetAccessors(true).Any(a => Access(a) is not null)).Select(PropertyLine));
        lines.AddRange(type.GetEvents(Declared).Where(e => Access(e.AddMethod!) is not null)
            .Select(e => $"  {Modifiers(e.AddMethod!)} event {TypeName(e.EventHandlerType!)} {TypeName(type)}.{e.Name}"));
        lines.AddRange(type.GetMethods(Declared).Where(IsListed).Select(MethodLine));
        foreach (string line in lines.Order(StringComparer.Ordinal))
        {
            yield return line;
        }
    }

    public static string TypeName(Type type)
    {
        if (type.IsByRef)
        {
            return TypeName(type.GetElementType()!);
        }

        if (type.IsArray)
        {
            return $"{TypeName(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        }

        if (type.IsPointer)
        {
            return TypeName(type.GetElementType()!) + "*";
        }

        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        if (s_keywords.TryGetValue(type, out string? keyword))
        {
            return keyword;
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return TypeName(underlying) + "?";
        }

        Type[] arguments = type.GetGenericArguments();
        if (typeof(ITuple).IsAssignableFrom(type) && type is { IsValueType: true, IsGenericType: true, ContainsGenericParameters: false })
        {
            return $"({string.Join(',', arguments.Select(TypeName))})";
        }

        // A nested type repeats its outer types' arguments; each level writes only those it adds.
        var levels = new Stack<Type>();
        for (Type? t = type; t is not null; t = t.DeclaringType)
        {
            levels.Push(t);
        }

        var name = new StringBuilder();
        if (type.Namespace is { } ns && !s_unwrittenNamespaces.Contains(ns))
        {
            name.Append(ns).Append('.');
        }

        int written = 0;
        foreach (Type level in levels)
        {
            int upTo = level.GetGenericArguments().Length;
            name.Append(written == 0 && level == levels.First() ? "" : ".").Append(level.Name.Split('`')[0]);
            if (upTo > written)
            {
                name.Append('<').AppendJoin(',', arguments[written..upTo].Select(TypeName)).Append('>');
            }

            written = upTo;
        }

        return name.ToString();
    }

    private static bool Visible(Type type) =>
        (type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && Visible(type.DeclaringType!)))
        && !type.Name.Contains('<');

    private static Type[] OwnArguments(Type type) =>
        type.GetGenericArguments()[(type.DeclaringType?.GetGenericArguments().Length ?? 0)..];

    private static bool IsListed(MethodInfo method) =>
        Access(method) is not null && !method.Name.Contains('<')
        && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
        && !(method.Name == "Finalize" && method.GetParameters().Length == 0);

    private static string MethodLine(MethodInfo m)
    {
        Type[] arguments = m.GetGenericArguments();
        string generic = arguments.Length > 0 ? $"<{string.Join(',', arguments.Select(TypeName))}>" : "";
        return $"  {Modifiers(m)} {TypeName(m.ReturnType)} {TypeName(m.DeclaringType!)}.{m.Name}{generic}"
            + $"({Parameters(m.GetParameters())}){Constraints(arguments)}{Obsolete(m)}";
    }

    private static string PropertyLine(PropertyInfo p)
    {
        string?[] access = [p.GetMethod is { } g ? Access(g) : null, p.SetMethod is { } s ? Access(s) : null];
        MethodInfo widest = access[0] is null || (access[1] is not null && Rank(access[1]!) > Rank(access[0]!)) ? p.SetMethod! : p.GetMethod!;
        string accessors = "";
        foreach ((string? own, string word) in access.Zip(["get; ", "set; "]))
        {
            accessors += own is null ? "" : (own == Access(widest) ? "" : own + " ") + word;
        }

        ParameterInfo[] index = p.GetIndexParameters();
        string name = index.Length > 0 ? $"this[{Parameters(index)}]" : p.Name;
        return $"  {Modifiers(widest)} {TypeName(p.PropertyType)} {TypeName(p.DeclaringType!)}.{name} {{ {accessors}}}{Obsolete(p)}";
    }

    private static string FieldLine(FieldInfo f)
    {
        string kind = f.IsLiteral ? " const" : (f.IsStatic ? " static" : "") + (f.IsInitOnly ? " readonly" : "");
        return $"  {Access(f)}{kind} {TypeName(f.FieldType)} {TypeName(f.DeclaringType!)}.{f.Name}{Obsolete(f)}";
    }

    private static string Modifiers(MethodInfo m)
    {
        string kind = m switch
        {
            { IsStatic: true } => " static",
            { IsAbstract: true } => " abstract",
            { IsVirtual: true } when m.GetBaseDefinition().DeclaringType != m.DeclaringType => " override",
            { IsVirtual: true, IsFinal: false } => " virtual",
            _ => "",
        };
        return Access(m) + kind;
    }

    private static string? Access(MethodBase m) =>
        m.IsPublic ? "public" : m.IsFamily ? "protected" : m.IsFamilyOrAssembly ? "protected internal" : null;

    private static string? Access(FieldInfo f) =>
        f.IsPublic ? "public" : f.IsFamily ? "protected" : f.IsFamilyOrAssembly ? "protected internal" : null;

    private static int Rank(string access) => access switch { "public" => 2, "protected internal" => 1, _ => 0 };

    private static string Obsolete(MemberInfo m) => m.IsDefined(typeof(ObsoleteAttribute), false) ? " [Obsolete]" : "";

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(p =>
        (p.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : "")
        + (!p.ParameterType.IsByRef ? "" : p.IsOut ? "out " : p.IsIn ? "in " : "ref ")
        + $"{TypeName(p.ParameterType)} {p.Name}"
        + (p.HasDefaultValue ? " = " + Default(p) : "")));

    private static string Default(ParameterInfo p)
    {
        Type type = Nullable.GetUnderlyingType(p.ParameterType) ?? p.ParameterType;
        return p.RawDefaultValue switch
        {
            null => p.ParameterType.IsValueType && Nullable.GetUnderlyingType(p.ParameterType) is null ? "default" : "null",
            { } v when type.IsEnum => $"{TypeName(type)}.{Enum.GetName(type, Enum.ToObject(type, v))}",
            string s => $"\"{s}\"",
            bool b => b ? "true" : "false",
            long l => l.ToString(CultureInfo.InvariantCulture) + "L",
            float f => f.ToString(CultureInfo.InvariantCulture) + "f",
            { } v => Convert.ToString(v, CultureInfo.InvariantCulture)!,
        };
    }

    private static string Constraints(Type[] arguments)
    {
        var all = new StringBuilder();
        foreach (Type argument in arguments)
        {
            var own = new List<string>();
            GenericParameterAttributes flags = argument.GenericParameterAttributes;
            bool value = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
            if (argument.CustomAttributes.Any(a => a.AttributeType.Name == "IsUnmanagedAttribute"))
            {
                own.Add("unmanaged");
            }
            else if (value)
            {
                own.Add("struct");
            }
            else if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            {
                own.Add("class");
            }

            own.AddRange(argument.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(TypeName));
            if (!value && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
            {
                own.Add("new()");
            }

            if (own.Count > 0)
            {
                all.Append(" where ").Append(argument.Name).Append(" : ").AppendJoin(", ", own);
            }
        }

        return all.ToString();
    }
}
