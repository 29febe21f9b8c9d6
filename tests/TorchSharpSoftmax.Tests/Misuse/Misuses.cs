using System.Collections;
using System.Reflection;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>One wrong, odd or merely other value for one argument; made when it is used.</summary>
/// <param name="Parameter">Which one.</param>
/// <param name="Text">For the failure text.</param>
/// <param name="Of">From all arguments, the new one.</param>
internal sealed record Misuse(ParameterInfo Parameter, string Text, Func<object?[], object?> Of)
{
    private static readonly ScalarType[] s_dtypes =
    [
        ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Int64, ScalarType.Int32, ScalarType.Bool, ScalarType.Byte, ScalarType.ComplexFloat32,
    ];

    public override string ToString() => $"{Parameter.Name} {Text}";

    internal static IEnumerable<Misuse> All(MisuseEntry entry) => entry.Parameters.SelectMany(p => Of1(entry, p));

    private static IEnumerable<Misuse> Of1(MisuseEntry entry, ParameterInfo parameter)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        Misuse Value(object? value) => new(parameter, $"= {value ?? "null"}", _ => value);
        if (!parameter.ParameterType.IsValueType || type != parameter.ParameterType)
        {
            yield return Value(null);
        }

        IEnumerable<Misuse> more =
            type == typeof(Tensor) ? Tensors(entry, parameter)
            : type == typeof(Tensor[]) ? TensorArrays(parameter)
            : type == typeof(long) ? ((object[])[long.MinValue, -101L, -2L, -1L, 0L, 1L, 2L, 3L, 5L, .. IsSizeOfMemory(parameter) ? (object[])[] : [1L << 33], long.MaxValue]).Select(Value)
            : type == typeof(double) ? ((object[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity, -1.0, 0.0, 1e-300, 0.5, 1.0, 2.0, 1e300]).Select(Value)
            : type == typeof(bool) ? ((object[])[false, true]).Select(Value)
            : type.IsEnum ? Enum.GetValues(type).Cast<object>().Append(Enum.ToObject(type, 99)).Append(Enum.ToObject(type, -1)).Select(Value)
            : type == typeof(LinearCrossEntropyOptions) ? MisuseOptions.OfLoss().Select(Value)
            : type == typeof(DenseToSparseOptions) ? MisuseOptions.OfGate().Select(Value)
            : type == typeof(DenseToSparseSchedule) ? [Value(DenseToSparseSchedule.Constant(0.5)), Value(DenseToSparseSchedule.Linear(2, 1, 3))]
            : type == typeof(Device) ? [Value(CPU), new(parameter, "is meta", _ => new Device("meta"))]
            : typeof(IEnumerable).IsAssignableFrom(type) ? Sequences(parameter, type)
            : [];
        foreach (var misuse in more)
        {
            yield return misuse;
        }
    }

    /// <summary>A layer of that size would be made, where the machine has the memory.</summary>
    private static bool IsSizeOfMemory(ParameterInfo parameter) => parameter.Name is "in_features" or "num_classes" || (parameter.Name == "num_experts" && char.IsUpper(parameter.Member.Name[0]));

    /// <summary>A tensor of any kind but the right one, from the right one where there is one.</summary>
    private static IEnumerable<Misuse> Tensors(MisuseEntry entry, ParameterInfo parameter)
    {
        Misuse From(string text, Func<Tensor, Tensor> make) =>
            new(parameter, text, arguments => make(arguments[parameter.Position] is Tensor { IsInvalid: false } given ? given.detach() : MisuseSamples.X(3, 4)));
        yield return From("is disposed", x =>
        {
            x.Dispose();
            return x;
        });
        foreach (var dtype in s_dtypes)
        {
            yield return From($"of {dtype}", x => x.to_type(dtype));
        }

        (string Text, Func<Tensor, Tensor> Make)[] shapes =
        [
            ("0-d", x => x.reshape(-1).narrow(0, 0, 1).reshape([])), ("flat", x => x.reshape(-1)), ("empty", x => x.reshape(-1).narrow(0, 0, 0)),
            ("one dim more", x => x.unsqueeze(0)), ("one dim more at the end", x => x.unsqueeze(-1)), ("no first", x => x.narrow(0, 0, 0)),
            ("no last", x => x.narrow(-1, 0, 0)), ("one first", x => x.narrow(0, 0, 1)), ("one last", x => x.narrow(-1, 0, 1)), ("a first more", x => cat([x, x.narrow(0, 0, 1)], 0)),
            ("a last more", x => cat([x, x.narrow(-1, 0, 1)], -1)), ("six dims", x => x.reshape(-1).narrow(0, 0, 1).reshape([1, 1, 1, 1, 1, 1])),
            ("transposed", x => x.ndim > 1 ? x.transpose(0, 1) : x), ("of column strides", x => x.ndim > 1 ? x.transpose(0, 1).contiguous().transpose(0, 1) : x),
            ("expanded", x => x.narrow(0, 0, 1).expand(x.shape)), ("expanded along the last dim", x => x.narrow(-1, 0, 1).expand(x.shape)),
            ("overlapping itself", x => x.numel() == 0 || x.ndim == 0 ? x : x.contiguous().as_strided(x.shape, [.. x.shape.Select(_ => 1L)])),
            ("offset", x => cat([x, x], 0).narrow(0, x.size(0), x.size(0))), ("far too long", x => zeros(x.dtype == ScalarType.Bool ? [70_000] : [70_000, 1], x.dtype)),
        ];
        foreach (var (text, make) in shapes)
        {
            yield return From(text, x => make(x.ndim == 0 ? x.reshape(1) : x));
        }

        yield return From("on meta", x => empty(x.shape, x.dtype, new Device("meta")));
        yield return From("sparse", x => x.to_sparse());
        yield return From("with gradient", x => x.is_floating_point() ? x.clone().requires_grad_() : x);
        yield return From("of -5", x => full_like(x, -5));
        yield return From("of 2^40", x => x.is_floating_point() || x.dtype == ScalarType.Int64 ? full_like(x, 1L << 40) : x);
        yield return From("of NaN", x => x.is_floating_point() ? full_like(x, double.NaN) : x);
        yield return From("of -infinity", x => x.is_floating_point() ? full_like(x, double.NegativeInfinity) : x);
        foreach (var other in entry.Parameters.Where(p => p.ParameterType == typeof(Tensor) && p != parameter))
        {
            yield return new(parameter, $"the same tensor as {other.Name}", arguments => arguments[other.Position]);
            foreach (long offset in (long[])[0, 1, 3])
            {
                yield return new(
                    parameter, $"over {other.Name}'s memory, from element {offset}",
                    arguments => arguments[other.Position] is Tensor { IsInvalid: false, is_sparse: false } x && x.is_contiguous() && x.numel() > offset
                        ? Overlapping(x.detach(), arguments[parameter.Position] as Tensor, offset) : arguments[other.Position]);
            }
        }
    }

    /// <summary>A tensor of the shape asked for that begins so many elements behind another's beginning, in memory of both.</summary>
    private static Tensor Overlapping(Tensor x, Tensor? like, long offset)
    {
        long[] shape = like is { IsInvalid: false } ? like.shape : x.shape;
        long count = shape.Aggregate(1L, (a, b) => a * b);
        return x.numel() < count + offset ? x.reshape(-1).narrow(0, offset, x.numel() - offset) : x.reshape(-1).narrow(0, offset, count).view(shape);
    }

    private static IEnumerable<Misuse> TensorArrays(ParameterInfo parameter)
    {
        Misuse Made(string text, Func<Tensor[]> make) => new(parameter, text, _ => make());
        yield return Made("of none", () => []);
        yield return Made("of null", () => [null!]);
        yield return Made("of no leaf", () => [MisuseSamples.X(2)]);
        yield return Made("of a disposed one", () =>
        {
            var x = MisuseSamples.X(2);
            x.Dispose();
            return [x];
        });
        yield return Made("of Int64", () => [MisuseSamples.Numbers(3, 2)]);
        yield return Made("of Float32", () => [rand(2).requires_grad_()]);
        yield return Made("of an expanded one", () => [rand([1], ScalarType.Float64).expand(2).detach().requires_grad_()]);
        yield return Made("of a complex one", () => [zeros([2], ScalarType.ComplexFloat64).requires_grad_()]);
        yield return Made("of another shape", () => [rand([5, 2], ScalarType.Float64).requires_grad_()]);
        yield return Made("on meta", () => [empty([2], ScalarType.Float64, new Device("meta")).requires_grad_()]);
    }

    private static IEnumerable<Misuse> Sequences(ParameterInfo parameter, Type type)
    {
        if (type.IsAssignableFrom(typeof(Parameter[])))
        {
            yield return new(parameter, "of none", _ => Array.Empty<Parameter>());
            yield return new(parameter, "of null", _ => new Parameter[] { null! });
            yield return Changed("disposed", p => p.Dispose());
            yield return Changed("with an empty gradient", p => p.grad = zeros_like(p));
            foreach (var dtype in (ScalarType[])[ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
            {
                yield return new(parameter, $"of {dtype}", arguments =>
                {
                    var old = ((Parameter[])arguments[parameter.Position]!)[0];
                    var typed = nn.Parameter(old.IsInvalid ? MisuseSamples.X(3, 4).to_type(dtype) : old.detach().to_type(dtype));
                    typed.grad = zeros_like(typed);
                    return new[] { typed };
                });
            }
        }
        else if (type.IsAssignableFrom(typeof((string, Parameter)[])))
        {
            yield return new(parameter, "of none", _ => Array.Empty<(string, Parameter)>());
            yield return new(parameter, "of null", _ => new (string, Parameter)[] { ("p", null!) });
        }
        else
        {
            yield return new(parameter, "of none", _ => Array.Empty<nn.Module<Tensor, Tensor>>());
            yield return new(parameter, "of null", _ => new nn.Module<Tensor, Tensor>[] { null! });
        }

        Misuse Changed(string text, Action<Parameter> change) => new(parameter, text, arguments =>
        {
            var all = (Parameter[])arguments[parameter.Position]!;
            change(all[0]);
            return all;
        });
    }
}
