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
        if (length <= SoftmaxShortRows<V, S, T, M>.Longest && algorithm == SoftmaxAlgorithm.ThreePass && !stream) Short<V, S, T, M>(first, end);
        else for (nint row = first; row < end; row++) One<V, S, T, M>(row);
    }

    private void One<V, S, T, M>(nint row)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        S* from = (S*)x + row * length, to = (S*)y + row * length;
        if (output == SoftmaxOutput.Softmax && algorithm == SoftmaxAlgorithm.ThreePass)
        {
            ThreePass<V, S, T, M>(from, to);
            return;
        }
        SoftmaxSum sum = SoftmaxRow<V, S, T, M>.Sum(from, length, algorithm);
        if (output == SoftmaxOutput.Softmax) SoftmaxRow<V, S, T, M>.Write(from, to, length, sum, stream);
        else if (output == SoftmaxOutput.LogSoftmax) SoftmaxRow<V, S, T, M>.WriteLog(from, to, length, sum, stream);
        else ((T*)y)[row] = SoftmaxRow<V, S, T, M>.LogSumExp(from, length, sum);
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
        SoftmaxSum sum = SoftmaxRow<V, S, T, M>.KeptSum(from, kept, length);
        SoftmaxRow<V, S, T, M>.WriteKept(kept, to, length, sum, stream);
    }

    private void Short<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++)
        {
            row = output == SoftmaxOutput.Softmax
                ? SoftmaxShortRows<V, S, T, M>.Softmax((S*)x, (S*)y, length, row, end, Scratch.Of<T>())
                : ShortLogs<V, S, T, M>(row, end);
            if (row < end) One<V, S, T, M>(row); // a row of huge or infinite numbers
        }
    }

    /// <summary>Logarithms are taken for many rows at once, between two walks.</summary>
    private nint ShortLogs<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint batch = 16 * V.Count;
        T* maxima = Scratch.Of<T>(), sums = maxima + batch;
        var logarithm = new Logarithm<V, T>();
        while (first < end)
        {
            nint stop = Math.Min(end, first + batch), done = SoftmaxShortRows<V, S, T, M>.MaxAndSum((S*)x, length, first, stop, maxima, sums);
            for (nint i = 0; i < done - first; i += V.Count)
            {
                V log = logarithm.Log(V.Load(sums + i));
                V.Store(log, sums + i);
                if (output == SoftmaxOutput.LogSumExp) Edge<V, T, T, AsItself<T>>.Store(V.Load(maxima + i) + log, (T*)y + first + i, done - first - i);
            }
            if (output == SoftmaxOutput.LogSoftmax) SoftmaxShortRows<V, S, T, M>.Subtract((S*)x, (S*)y, length, first, done, maxima, sums);
            first = done;
            if (done < stop) break;
        }
        return first;
    }
}
