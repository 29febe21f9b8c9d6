using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What a forward kernel writes: a row of probabilities, a row of their logarithms, or one number per row.</summary>
internal enum SoftmaxOutput
{
    Softmax,
    LogSoftmax,
    LogSumExp,
}

/// <summary>Softmax, log-softmax and log-sum-exp of contiguous rows, one row after the other.</summary>
internal readonly unsafe struct SoftmaxForward(void* x, void* y, nint length, SoftmaxOutput output, SoftmaxAlgorithm algorithm, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++)
        {
            S* from = (S*)x + row * length;
            if (output == SoftmaxOutput.LogSumExp) ((T*)y)[row] = LogSumExp<V, S, T, M>(from);
            else if (output == SoftmaxOutput.LogSoftmax) Log<V, S, T, M>(from, (S*)y + row * length);
            else if (algorithm == SoftmaxAlgorithm.TwoPass) TwoPass<V, S, T, M>(from, (S*)y + row * length);
            else ThreePass<V, S, T, M>(from, (S*)y + row * length);
        }
    }

    private void TwoPass<V, S, T, M>(S* from, S* to)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        RowSum sum = SoftmaxRow<V, S, T, M>.Sum(from, length, SoftmaxAlgorithm.TwoPass);
        SoftmaxRow<V, S, T, M>.Write(from, to, length, sum, stream);
    }

    private void ThreePass<V, S, T, M>(S* from, S* to)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        // The exponentials are kept in the output itself, or, where that would round them or is written past the caches, in a buffer;
        // a row too long for the buffer computes them again.
        bool inOutput = typeof(S) == typeof(T) && !stream;
        if (!inOutput && length > Scratch.Bytes / sizeof(T))
        {
            SoftmaxRow<V, S, T, M>.Write(from, to, length, SoftmaxRow<V, S, T, M>.Sum(from, length, SoftmaxAlgorithm.ThreePass), stream);
            return;
        }
        T* kept = inOutput ? (T*)to : Scratch.Of<T>();
        RowSum sum = SoftmaxRow<V, S, T, M>.KeptSum(from, kept, length);
        if (stream) SoftmaxPasses<V, S, T, M>.Rescale<Yes>(kept, to, length, sum.Factor);
        else SoftmaxPasses<V, S, T, M>.Rescale<No>(kept, to, length, sum.Factor);
    }

    private void Log<V, S, T, M>(S* from, S* to)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        RowSum sum = SoftmaxRow<V, S, T, M>.Sum(from, length, algorithm);
        SoftmaxRow<V, S, T, M>.WriteLog(from, to, length, sum, stream);
    }

    private T LogSumExp<V, S, T, M>(S* from)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T> =>
        SoftmaxRow<V, S, T, M>.LogSumExp(from, length, SoftmaxRow<V, S, T, M>.Sum(from, length, algorithm));
}
