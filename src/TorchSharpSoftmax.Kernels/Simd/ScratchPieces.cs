namespace TorchSharpSoftmax.Kernels;

/// <summary>Memory for what one thread holds while it works on a unit; as many pieces as threads.</summary>
internal sealed unsafe class ScratchPieces(byte* at, nint bytes, int pieces)
{
    private readonly int[] _taken = new int[pieces];

    /// <summary>A piece that nobody else has; there is one for each thread.</summary>
    internal byte* Take(out int piece)
    {
        for (piece = 0; ; piece = (piece + 1) % _taken.Length)
        {
            if (Interlocked.CompareExchange(ref _taken[piece], 1, 0) == 0) return at + piece * bytes;
        }
    }

    internal void Give(int piece) => Volatile.Write(ref _taken[piece], 0);
}
