using System.Globalization;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A linear head and its cross-entropy: tokens x features x classes.</summary>
internal sealed record Head(long Tokens, long Features, long Classes)
{
    /// <summary>GPT-2's.</summary>
    public static Head Common { get; } = new(2048, 768, 50257);

    /// <summary>Multiply-adds of a product of all tokens with all classes.</summary>
    public double Products => (double)Tokens * Features * Classes;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Tokens} x {Features} x {Classes}");
}

/// <summary>A head's tensors, and a step of training with it: the loss, and the gradients of input and weight in fresh tensors.</summary>
internal sealed class HeadTensors : IDisposable
{
    public HeadTensors(Tensor input, Tensor weight, Tensor target, Tensor? bias = null)
    {
        (Input, Weight, Target, Bias) = (input.requires_grad_(), weight.requires_grad_(), target, bias);
    }

    public Tensor Input { get; }

    public Tensor Weight { get; }

    public Tensor Target { get; }

    public Tensor? Bias { get; }

    /// <summary>Logits ~ N(0, 1) and random targets, of which a share is ignored.</summary>
    public static HeadTensors Random(Head head, ScalarType dtype = ScalarType.Float32, double ignored = 0)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor input = Workload.Normal([head.Tokens, head.Features], 1, dtype);
        Tensor weight = Workload.Normal([head.Classes, head.Features], 1 / MathF.Sqrt(head.Features), dtype);
        Tensor target = randint(0, head.Classes, [head.Tokens], dtype: ScalarType.Int64);
        target.masked_fill_(arange(head.Tokens) < ignored * head.Tokens, -100);
        return new(input.DetachFromDisposeScope(), weight.DetachFromDisposeScope(), target.DetachFromDisposeScope());
    }

    /// <summary>The same head for some of the tokens.</summary>
    public HeadTensors First(long tokens)
    {
        using Tensor input = Input.detach();
        return new(input.narrow(0, 0, tokens), Weight.detach(), Target.narrow(0, 0, tokens), Bias?.alias());
    }

    public Tensor OurLoss(LinearCrossEntropyOptions? options = null) => functional.linear_cross_entropy(Input, Weight, Target, Bias, options: options);

    /// <summary>Logits are let go as soon as they may.</summary>
    public Tensor TorchLoss()
    {
        using Tensor logits = functional.linear(Input, Weight, Bias!);
        return functional.cross_entropy(logits, Target);
    }

    public void Ours(LinearCrossEntropyOptions? options = null)
    {
        using Tensor loss = OurLoss(options);
        loss.backward();
        Forget();
    }

    public void Torch()
    {
        using Tensor loss = TorchLoss();
        loss.backward();
        Forget();
    }

    public void OurForward()
    {
        using var noGrad = no_grad();
        OurLoss().Dispose();
    }

    public void TorchForward()
    {
        using var noGrad = no_grad();
        TorchLoss().Dispose();
    }

    /// <summary>
    /// Writes to as much memory as a step takes, and lets it go: a virtual machine may get its memory from the host at the first touch only, and whoever came first would pay for that.
    /// </summary>
    public static void TouchMemory(Head head)
    {
        long logits = head.Tokens * head.Classes, weight = head.Classes * head.Features;
        ones(3 * (logits + weight)).Dispose();
    }

    public void Forget() => (Input.grad, Weight.grad) = (null, null);

    public void Dispose()
    {
        Forget();
        Input.Dispose();
        Weight.Dispose();
        Target.Dispose();
        Bias?.Dispose();
    }

    /// <summary>Lets the compiler see everything often enough, once in a process, on a small head.</summary>
    public static void WarmUp()
    {
        if (s_isWarm)
        {
            return;
        }

        s_isWarm = true;
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
        {
            using HeadTensors tensors = Random(new(100, 64, 1000), dtype);
            for (int i = 0; i < 80; i++)
            {
                tensors.Torch();
                tensors.Ours();
                tensors.Ours(new() { mode = LinearCrossEntropyMode.Recompute });
                tensors.Ours(new() { filter = LinearCrossEntropyFilter.Threshold(1e-3) });
                tensors.Ours(new() { filter = LinearCrossEntropyFilter.Stochastic(1e-3, i) });
                tensors.OurForward();
                if (i == 40)
                {
                    Thread.Sleep(200); // what is compiled again, is so in the background
                }
            }
        }
    }

    private static bool s_isWarm;
}
