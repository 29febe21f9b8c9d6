namespace TorchSharpSoftmax.Kernels;

/// <summary>What <see cref="SoftmaxAlgorithm.Auto"/> means, by measurement (Zen 5, one thread; the committed benchmarks show both sides).</summary>
internal static class SoftmaxChoice
{
    /// <summary>Up to this length logarithms read a row twice, which the nearest cache still holds: at 512 bits floats have a walk of their own there (<see cref="SoftmaxShortRows{V, S, T, M}"/>).</summary>
    private const nint Short = 1024;

    /// <summary>Up to so many bytes of gradient many short rows are one walk, twice as fast there; where the caches hold less of them, a sum and a write for each row wait less for memory.</summary>
    internal const double CachedBytes = 4 << 20;

    internal static unsafe SoftmaxAlgorithm Of<S>(nint length, nint inner, SoftmaxOutput output, bool stream) where S : unmanaged
    {
        // Three-Pass gains by keeping exponentials: logarithms have none to keep, and those of 16-bit or streamed rows must fit the scratch buffer.
        // Without that, Two-Pass reads once less at the price of a few operations.
        if (output != SoftmaxOutput.Softmax) return length <= Short && inner == 1 ? SoftmaxAlgorithm.ThreePass : SoftmaxAlgorithm.TwoPass;
        bool fitsScratch = length * (inner == 1 ? 1 : ColumnTile.Unit) <= Scratch.Bytes / sizeof(float);
        if ((stream || sizeof(S) < sizeof(float)) && !fitsScratch) return SoftmaxAlgorithm.TwoPass;

        // One exponential per element beats two until the row leaves the caches, later where exponentials are slower.
        nint crossover = Isa.Bits == 512 ? 1 << 20 : 1 << 22;
        return length * (inner == 1 ? 1 : ColumnTile.Unit) >= crossover ? SoftmaxAlgorithm.TwoPass : SoftmaxAlgorithm.ThreePass;
    }
}
