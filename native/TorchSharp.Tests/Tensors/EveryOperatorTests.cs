using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

/// <summary>
/// The stand-in finds operators by name when they are called, so a wrong name or a wrong argument list shows only then. Everything
/// that gives tensors is called here with something plausible. libtorch may refuse the values, but never the call.
/// </summary>
public class EveryOperatorTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    // What libtorch says when the caller does not speak its schema, or the stand-in itself about a schema.
    private static readonly string[] s_mistakes =
    [
        "Could not find schema", "IValue", "INTERNAL ASSERT", " arguments, ", "has no default", "no caller can take", "room for",
        "isTensor()", "isInt()", "isDouble()", "isIntList()", "isBool()", "isString()", "Tried to cast", "unknown argument tag",
    ];

    [Fact]
    public void Every_method_that_gives_tensors_calls_an_operator_that_exists_with_arguments_it_takes()
    {
        Type[] owners = [typeof(Tensor), typeof(torch), .. typeof(torch).GetNestedTypes().Where(t => t is { IsAbstract: true, IsSealed: true })];
        int called = 0;
        var mistakes = new List<string>();
        foreach (MethodInfo method in owners.SelectMany(t => t.GetMethods(Declared)).Where(GivesTensors))
        {
            foreach (ScalarType dtype in new[] { ScalarType.Float32, ScalarType.Int64 })
            {
                using DisposeScope scope = NewDisposeScope();
                called++;
                try
                {
                    MethodInfo closed = method.IsGenericMethodDefinition ? method.MakeGenericMethod(typeof(float)) : method;
                    object?[] arguments = [.. closed.GetParameters().Select(p => Argument(p, dtype))];
                    closed.Invoke(closed.IsStatic ? null : Sample(dtype), arguments);
                }
                catch (TargetInvocationException e) when (e.InnerException is not ExternalException || s_mistakes.Any(e.InnerException.Message.Contains))
                {
                    // An exception of the stand-in's own is an answer to the values as well.
                    if (e.InnerException is ExternalException or NullReferenceException or InvalidCastException or IndexOutOfRangeException)
                    {
                        mistakes.Add($"{method.DeclaringType!.Name}.{method} with {dtype}:\n    {e.InnerException.GetType().Name}: {e.InnerException.Message.Split('\n')[0]}");
                    }
                }
                catch (TargetInvocationException)
                {
                }
            }
        }

        Assert.True(called > 1000, $"{called} calls only");
        Assert.True(mistakes.Count == 0, $"{mistakes.Count} of {called} calls:\n{string.Join('\n', mistakes)}");
    }

    private static bool GivesTensors(MethodInfo m) =>
        (m.ReturnType == typeof(Tensor) || m.ReturnType == typeof(Tensor[])
            || (typeof(ITuple).IsAssignableFrom(m.ReturnType) && m.ReturnType.GetGenericArguments().All(t => t == typeof(Tensor))))
        && !m.IsSpecialName
        && m.GetParameters().All(p => !p.ParameterType.IsByRefLike && !typeof(Delegate).IsAssignableFrom(p.ParameterType))
        && !m.Name.Contains("Scope", StringComparison.Ordinal) && !m.Name.Contains("cuda", StringComparison.Ordinal)
        && !m.Name.Contains("Handle", StringComparison.Ordinal) && m.Name is not ("UnsafeCreateTensor" or "load");

    private static Tensor Sample(ScalarType dtype) => arange(1, 10, dtype: dtype).reshape(3, 3);

    private static object? Argument(ParameterInfo p, ScalarType dtype)
    {
        Type type = p.ParameterType;
        if (p is { HasDefaultValue: true, RawDefaultValue: not null })
        {
            return type.IsEnum ? Enum.ToObject(type, p.RawDefaultValue!)
                : Nullable.GetUnderlyingType(type) is { IsEnum: true } e && p.RawDefaultValue is { } v ? Enum.ToObject(e, v)
                : p.RawDefaultValue;
        }

        return p.HasDefaultValue ? null : Value(type, p.Name!, dtype);
    }

    private static object? Value(Type type, string name, ScalarType dtype) => type switch
    {
        _ when type == typeof(Tensor) => name is "index" or "indices" or "target"
            ? zeros(3, 3, dtype: ScalarType.Int64)
            : name is "mask" or "condition" ? ones(3, 3, dtype: ScalarType.Bool) : Sample(dtype),
        _ when type == typeof(Scalar) => 2.ToScalar(),
        _ when type == typeof(long) || type == typeof(long?) => 1L,
        _ when type == typeof(int) || type == typeof(int?) => 1,
        _ when type == typeof(double) || type == typeof(double?) => 0.5,
        _ when type == typeof(float) || type == typeof(float?) => 0.5f,
        _ when type == typeof(bool) || type == typeof(bool?) => true,
        _ when type == typeof(string) => name == "equation" ? "ij,jk->ik" : "i",
        _ when type == typeof(ScalarType) || type == typeof(ScalarType?) => dtype,
        _ when type == typeof(Tensor[]) || type.IsAssignableFrom(typeof(List<Tensor>)) => new[] { Sample(dtype), Sample(dtype) },
        _ when type == typeof(long[]) || type.IsAssignableFrom(typeof(List<long>)) => new long[] { 0, 1 },
        _ when type == typeof(int[]) => new[] { 0, 1 },
        _ when type == typeof(Device) => CPU,
        _ when type == typeof(Generator) => Generator.Default,
        _ when type == typeof(Array) => new float[3],
        _ when type == typeof(IList<string>) => new[] { "i" },
        { IsArray: true } => Array.CreateInstance(type.GetElementType()!, [.. Enumerable.Repeat(3, type.GetArrayRank())]),
        { IsGenericType: true } when typeof(ITuple).IsAssignableFrom(type) =>
            Activator.CreateInstance(type, [.. type.GetGenericArguments().Select((t, i) => Convert.ChangeType(i, Nullable.GetUnderlyingType(t) ?? t))]),
        { IsValueType: true } => Activator.CreateInstance(type),
        _ => null,
    };
}
