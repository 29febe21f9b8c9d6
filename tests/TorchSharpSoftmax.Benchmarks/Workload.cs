using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Tensors for one shape, made once and shared by the variants that run on it: x ~ N(0, 2), a random upstream gradient.</summary>
public abstract class Workload
{
    private static Shape? s_shape;

    [ParamsSource(nameof(Shapes))]
    public Shape Shape { get; set; } = null!;

    public static IEnumerable<Shape> Shapes => Shape.All;

    internal static Tensor X { get; private set; } = null!;

    /// <summary>softmax(x), as backward wants it.</summary>
    internal static Tensor Y { get; private set; } = null!;

    internal static Tensor Dy { get; private set; } = null!;

    /// <summary>An output whose pages have been touched.</summary>
    internal static Tensor Out { get; private set; } = null!;

    protected static long Dim => 1;

    protected static int Threads => get_num_threads();

    [GlobalSetup]
    public void Setup()
    {
        if (s_shape == Shape)
        {
            return;
        }

        Drop();
        s_shape = Shape;
        manual_seed(1);
        using var scope = NewDisposeScope();
        X = Normal(1.41421356f).DetachFromDisposeScope();
        Dy = Normal(1).DetachFromDisposeScope();
        Y = X.softmax(Dim).DetachFromDisposeScope();
        Out = zeros_like(X).DetachFromDisposeScope();
    }

    /// <summary>Normal numbers; beyond 4 Mi of them they begin again, since drawing all would take longer than the measurements.</summary>
    private Tensor Normal(float deviation)
    {
        long drawn = Math.Min(Shape.Elements, 1 << 22);
        Tensor block = (randn(drawn) * deviation).to(Shape.Dtype);
        return block.repeat((Shape.Elements + drawn - 1) / drawn).narrow(0, 0, Shape.Elements).view(Shape.Sizes).contiguous();
    }

    internal static void Drop()
    {
        foreach (Tensor? t in new[] { X, Y, Dy, Out })
        {
            t?.Dispose();
        }

        s_shape = null;
    }
}
