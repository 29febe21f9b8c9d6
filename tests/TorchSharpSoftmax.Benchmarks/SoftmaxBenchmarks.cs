using BenchmarkDotNet.Attributes;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>softmax(x) into an output that exists.</summary>
public class SoftmaxForward : Workload
{
    internal static readonly Column[] Columns =
    [
        new("auto / torch", nameof(Auto), nameof(Torch)),
        new("two-pass / torch", nameof(TwoPass), nameof(Torch)),
        new("three-pass / torch", nameof(ThreePass), nameof(Torch)),
        new("two-pass / three-pass", nameof(TwoPass), nameof(ThreePass)),
        new("auto / limit (read + streamed scale)", nameof(Auto), nameof(LimitStreamed)),
        new("auto / limit (read + scale)", nameof(Auto), nameof(Limit)),
    ];

    [Benchmark(Baseline = true)]
    public void Torch() => Peer.SoftmaxOut(X, Dim, Out);

    [Benchmark]
    public void TwoPass() => Ours(SoftmaxAlgorithm.TwoPass);

    [Benchmark]
    public void ThreePass() => Ours(SoftmaxAlgorithm.ThreePass);

    [Benchmark]
    public void Auto() => Ours(SoftmaxAlgorithm.Auto);

    [Benchmark]
    public void LimitStreamed() => Limits.ReadThenScale(X, Out, Shape, Threads, streamed: true);

    [Benchmark]
    public void Limit() => Limits.ReadThenScale(X, Out, Shape, Threads, streamed: false);

    private void Ours(SoftmaxAlgorithm algorithm) => functional.two_pass_softmax(X, Dim, algorithm: algorithm, @out: Out);
}

/// <summary>dx = y (dy - sum(dy y)) into an output that exists.</summary>
public class SoftmaxBackward : Workload
{
    internal static readonly Column[] Columns =
    [
        new("ours / torch", nameof(Ours), nameof(Torch)),
        new("ours / limit (read two + streamed combine)", nameof(Ours), nameof(LimitStreamed)),
    ];

    [Benchmark(Baseline = true)]
    public void Torch() => Peer.SoftmaxBackwardOut(Dy, Y, Dim, Out);

    [Benchmark]
    public void Ours() => Benchmarks.Ours.SoftmaxBackward(Y, Dy, Out, Shape, Threads);

    [Benchmark]
    public void LimitStreamed() => Limits.ReadTwoThenCombine(Y, Dy, Out, Shape, Threads);
}

/// <summary>softmax(x) into a fresh output: what a plain call costs.</summary>
public class SoftmaxAllocating : Workload
{
    internal static readonly Column[] Columns = [new("ours / torch", nameof(Ours), nameof(Torch))];

    [Benchmark(Baseline = true)]
    public void Torch() => X.softmax(Dim).Dispose();

    [Benchmark]
    public void Ours() => functional.two_pass_softmax(X, Dim).Dispose();
}

/// <summary>Forward and backward through autograd: what a training step sees.</summary>
public class SoftmaxForwardBackward : Workload
{
    internal static readonly Column[] Columns = [new("ours / torch", nameof(Ours), nameof(Torch))];

    [Benchmark(Baseline = true)]
    public void Torch() => Full(static (x, dim) => x.softmax(dim));

    [Benchmark]
    public void Ours() => Full(static (x, dim) => functional.two_pass_softmax(x, dim));

    private void Full(Func<Tensor, long, Tensor> softmax)
    {
        using Tensor x = X.detach().requires_grad_();
        using Tensor y = softmax(x, Dim);
        autograd.backward([y], [Dy]);
        x.grad = null;
    }
}
