namespace TorchSharpSoftmax.Kernels;

/// <summary>What is remembered of each column: six numbers, each an array of lanes in the thread's scratch memory.</summary>
internal readonly unsafe struct StableMaxColumnState<T>(T* at) where T : unmanaged
{
    private const nint Room = ColumnTile.Widest;

    /// <summary>The sum of s(x) * Scale.</summary>
    internal readonly T* Sum = at;

    internal readonly T* SumLost = at + Room;

    /// <summary>The sum of p * dy, or of dy.</summary>
    internal readonly T* Dot = at + 2 * Room;

    internal readonly T* DotLost = at + 3 * Room;

    /// <summary>As in <see cref="StableWeights"/>.</summary>
    internal readonly T* Scale = at + 4 * Room;

    /// <summary>As in <see cref="StableWeights"/>; for a logarithm, that of the sum.</summary>
    internal readonly T* Factor = at + 5 * Room;
}
