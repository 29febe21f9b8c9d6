using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The tensors of a call as the kernels read them: contiguous, and what is per class in the computing type.</summary>
internal sealed unsafe class CutCrossEntropyTensors : IDisposable
{
    private readonly Tensor[] _given;
    private readonly Tensor?[] _read;
    private readonly CutCrossEntropyCall _call;

    internal CutCrossEntropyTensors(Tensor[] given, CutCrossEntropyCall call)
    {
        (_given, _read, _call) = (given, new Tensor?[given.Length], call);
        for (int i = 0; i < given.Length; i++)
        {
            _read[i] = i == call.Bias ? Memory.ArithmeticCopy(given[i]) : Memory.Contiguous(given[i]);
        }
    }

    internal Tensor Input => _read[CutCrossEntropyCall.Input]!;

    internal Tensor Weight => _read[CutCrossEntropyCall.Weight]!;

    internal ScalarType Dtype => Input.dtype;

    internal nint Features => (nint)Weight.size(1);

    internal nint Classes => (nint)Weight.size(0);

    /// <summary>What the kernels take; the arrays of rows are pinned by the caller.</summary>
    internal CutCrossEntropyTask Task<S>(long* rowIndex, long* targets, double* shares) where S : unmanaged => new()
    {
        Link = _call.Link,
        Features = Features,
        Classes = Classes,
        Rows = _call.Rows.Count,
        Input = Memory.Of(Input),
        RowIndex = rowIndex,
        Weight = Memory.Of(Weight),
        Bias = At(_call.Bias),
        ClassWeight = At(_call.ClassWeight),
        TargetsPerRow = _call.Rows.TargetsPerRow,
        Targets = targets,
        Shares = shares,
        Probabilities = _call.Probabilities < 0 ? null : (S*)At(_call.Probabilities) + (_call.Rows.Shift * Classes),
        Softcap = _call.Softcap,
        Scale = _call.Scale,
        Smoothing = _call.Smoothing,
        WantsEntropy = _call.WantsEntropy,
        WantsArgmax = _call.WantsArgmax,
    };

    public void Dispose()
    {
        for (int i = 0; i < _read.Length; i++)
        {
            Memory.Release(_read[i]!, _given[i]);
        }
    }

    private void* At(int tensor) => tensor < 0 ? null : Memory.Of(_read[tensor]!);
}

/// <summary>Where the kernels put gradients; null where nobody asks.</summary>
internal sealed class CutCrossEntropyGradientTensors
{
    private readonly ScalarType _dtype;

    internal CutCrossEntropyGradientTensors(CutCrossEntropyTensors tensors, CutCrossEntropyCall call, ReadOnlySpan<bool> wanted)
    {
        _dtype = tensors.Dtype;
        if (wanted[CutCrossEntropyCall.Input])
        {
            bool all = tensors.Input.numel() == call.Rows.Count * (long)tensors.Features; // ignored rows are not written
            Input = all ? Memory.Fresh(tensors.Input) : zeros_like(tensors.Input);
        }

        var arithmetic = Dtype.ArithmeticOf(_dtype);
        if (wanted[CutCrossEntropyCall.Weight])
        {
            Weight = arithmetic == _dtype ? Memory.Fresh(tensors.Weight) : empty(tensors.Weight.shape, arithmetic, CPU);
        }

        if (call.HasBias && wanted[call.Bias])
        {
            Bias = empty([tensors.Classes], arithmetic, CPU);
        }
    }

    internal Tensor? Input { get; private set; }

    internal Tensor? Weight { get; private set; }

    internal Tensor? Bias { get; private set; }

    internal unsafe CutCrossEntropyGradients Pointers => new(At(Input), At(Weight), At(Bias));

    /// <summary>Gives every gradient the dtype of what it is of; the kernels have summed in the computing type.</summary>
    internal void Round() => (Weight, Bias) = (Rounded(Weight), Rounded(Bias));

    /// <summary>Multiplies all of them in place, unseen by autograd.</summary>
    internal void Scale(double factor)
    {
        foreach (var gradient in (Tensor?[])[Input, Weight, Bias])
        {
            if (gradient is not null)
            {
                Scale(gradient, factor);
            }
        }
    }

    internal static void Scale(Tensor gradient, double factor)
    {
        if (factor != 1)
        {
            Dtype.Run(gradient.dtype, new Multiply(gradient, factor));
        }
    }

    private static unsafe nint At(Tensor? gradient) => gradient is null ? 0 : (nint)Memory.Of(gradient);

    private Tensor? Rounded(Tensor? wide)
    {
        if (wide is null || wide.dtype == _dtype)
        {
            return wide;
        }

        using (wide)
        {
            return wide.to_type(_dtype);
        }
    }

    private readonly struct Multiply(Tensor x, double factor) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            CutCrossEntropyScale.Run((S*)Memory.Of(x), (nint)x.numel(), factor, get_num_threads());
            GC.KeepAlive(x);
        }
    }
}
