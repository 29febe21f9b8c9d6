using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>For operators along a dim: x ~ N(0, 2), an upstream gradient dy ~ N(0, 1), an output whose pages have been touched.</summary>
public abstract class RowWorkload : Workload
{
    [ParamsSource(nameof(Shapes))]
    public Shape Shape { get; set; } = null!;

    /// <summary>Not virtual itself: BenchmarkDotNet counts an override twice.</summary>
    public IEnumerable<Shape> Shapes => Measured;

    protected abstract IEnumerable<Shape> Measured { get; }

    internal override ICase Case => Shape;

    internal static Tensor X { get; private set; } = null!;

    /// <summary>softmax(x), as its backward wants it.</summary>
    internal static Tensor Y { get; private set; } = null!;

    internal static Tensor Dy { get; private set; } = null!;

    internal static Tensor Out { get; private set; } = null!;

    protected static long Dim => 1;

    protected override IEnumerable<IDisposable> Make()
    {
        X = Normal(Shape.Sizes, 1.41421356f, Shape.Dtype);
        Dy = Normal(Shape.Sizes, 1, Shape.Dtype);
        Y = X.softmax(Dim);
        Out = zeros_like(X);
        return [X, Dy, Y, Out];
    }

    /// <summary>What a training step does with the operator: forward, and backward through autograd, into fresh tensors.</summary>
    protected static void Full(Func<Tensor, Tensor> forward)
    {
        using Tensor x = X.detach().requires_grad_();
        using Tensor y = forward(x);
        autograd.backward([y], [Dy]);
        x.grad = null;
    }
}
