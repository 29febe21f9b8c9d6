using System.Reflection;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>A public way into the library, found by reflection, and arguments that it takes.</summary>
internal sealed record MisuseEntry(MethodInfo Method, Func<MisuseOwner, object> Sample)
{
    internal string Key { get; } = KeyOf(Method);

    internal ParameterInfo[] Parameters { get; } = Method.GetParameters();

    /// <summary>Every static of <see cref="Operators"/>, and every method of a public type that takes a tensor.</summary>
    internal static IEnumerable<MethodInfo> Surface =>
        from type in typeof(Operators).Assembly.GetExportedTypes()
        where type.DeclaringType != typeof(Operators) // where the compiler keeps the extensions' other spelling
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        where !method.IsSpecialName && !method.IsAbstract
        where type == typeof(Operators) ? method.IsStatic : method.GetParameters().Any(p => p.ParameterType == typeof(Tensor))
        select method;

    internal static MisuseEntry[] All { get; } =
        [.. from method in Surface let key = KeyOf(method) where MisuseSamples.All.ContainsKey(key) select new MisuseEntry(method, MisuseSamples.All[key])];

    internal static string KeyOf(MethodInfo method)
    {
        string name = method.DeclaringType == typeof(Operators) ? method.Name : $"{method.DeclaringType!.Name}.{method.Name}";
        return $"{name}({string.Join(", ", method.GetParameters().Select(Described))})";
    }

    /// <summary>The receiver, null for statics, and arguments that the method takes, with the defaults of those that the sample leaves out.</summary>
    internal (object? Receiver, object?[] Arguments) Draw(MisuseOwner owner)
    {
        object sample = Sample(owner);
        object? Given(string name) => sample.GetType().GetProperty(name)?.GetValue(sample);
        object?[] arguments = [.. Parameters.Select(p => sample.GetType().GetProperty(p.Name!) is { } given ? given.GetValue(sample) : Default(p))];
        return (Given("receiver"), arguments);
    }

    public override string ToString() => Key;

    private static string Described(ParameterInfo parameter) => (parameter.ParameterType, parameter.Name) switch
    {
        ({ IsArray: true }, "inputs") => "inputs[]",
        (var type, "temperature") when type == typeof(double) => "double temperature",
        (var type, "parameters") when type == typeof(IEnumerable<(string, Parameter)>) => "named parameters",
        _ => parameter.Name!,
    };

    private static object? Default(ParameterInfo parameter)
    {
        Assert.True(parameter.HasDefaultValue, $"The sample has no '{parameter.Name}'.");
        object? value = parameter.DefaultValue;
        return value is null ? null : parameter.ParameterType.IsEnum ? Enum.ToObject(parameter.ParameterType, value) : value;
    }
}

/// <summary>Modules and other things of a sample that no dispose scope takes.</summary>
internal sealed class MisuseOwner : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    internal T Of<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public void Dispose() => _owned.ForEach(owned => owned.Dispose());
}
