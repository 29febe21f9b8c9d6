namespace TorchSharpSoftmax.Kernels;

/// <summary>What is remembered of each column: six numbers, each an array of lanes in the thread's scratch memory.</summary>
internal readonly unsafe struct SoftmaxColumnState<T>(T* at) where T : unmanaged
{
    private const nint Room = ColumnTile.Widest;

    internal readonly T* Max = at;

    internal readonly T* Shift = at + Room;

    internal readonly T* Exponent = at + 2 * Room;

    internal readonly T* Sum = at + 3 * Room;

    internal readonly T* Lost = at + 4 * Room;

    /// <summary>What the last pass takes: the factor of a probability, or a logarithm.</summary>
    internal readonly T* Last = at + 5 * Room;
}
