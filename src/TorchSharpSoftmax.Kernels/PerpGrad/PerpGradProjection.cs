using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Vectors that are one block each: a unit is one vector, from its sums to its result.</summary>
internal readonly unsafe struct PerpGradProjection(void* w, void* g, void* y, nint length, PerpRule rule, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var precision = PerpPrecision.Of<S>();
        for (nint at = first * length; at < end * length; at += length)
        {
            S* weight = (S*)w + at, gradient = (S*)g + at;
            PerpSums sums = PerpGradRow<V, S, T, M>.Sums(weight, gradient, length);
            double orthogonal = precision.MustMeasure(sums)
                ? PerpGradRow<V, S, T, M>.Orthogonal(weight, gradient, length, sums.Along, sums.Gradient) : sums.Orthogonal;
            PerpGradRow<V, S, T, M>.Write(weight, gradient, (S*)y + at, length, rule.Factors(sums, orthogonal, precision), stream);
        }
    }
}

/// <summary>The sums of a long vector's blocks.</summary>
internal readonly unsafe struct PerpGradBlockSums(void* w, void* g, nint length, PerpSums* parts) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint block = first; block < end; block++)
        {
            var (at, n) = RowBlocks.Range(block, block + 1, length);
            parts[block] = PerpGradRow<V, S, T, M>.Sums((S*)w + at, (S*)g + at, n);
        }
    }
}

/// <summary>The orthogonal part's square of a long vector's blocks.</summary>
internal readonly unsafe struct PerpGradBlockSquares(void* w, void* g, nint length, double along, double gradientSquare, double* parts) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint block = first; block < end; block++)
        {
            var (at, n) = RowBlocks.Range(block, block + 1, length);
            parts[block] = PerpGradRow<V, S, T, M>.Orthogonal((S*)w + at, (S*)g + at, n, along, gradientSquare);
        }
    }
}

/// <summary>The results of a long vector's blocks.</summary>
internal readonly unsafe struct PerpGradBlockWrites(void* w, void* g, void* y, nint length, PerpFactors factors, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var (at, n) = RowBlocks.Range(first, end, length);
        PerpGradRow<V, S, T, M>.Write((S*)w + at, (S*)g + at, (S*)y + at, n, factors, stream);
    }
}
