using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Rows by index: y[i] = x[index[i]], or zeros where the index is negative. Rows are bytes, whatever they mean.</summary>
internal readonly unsafe struct GateGather(byte* x, long* index, byte* y, nint bytesPerRow) : IWork
{
    /// <summary>Below so many bytes a second thread costs more than it saves.</summary>
    private const nint BytesPerThread = 1 << 17;

    internal static void Run(byte* x, long* index, byte* y, nint rows, nint bytesPerRow, int threads)
    {
        double bytes = (double)rows * bytesPerRow;
        Workers.Run(new GateGather(x, index, y, bytesPerRow), rows, (int)Math.Clamp(bytes / BytesPerThread, 1, Math.Max(1, threads)));
    }

    public void Do(nint first, nint end)
    {
        for (nint i = first; i < end; i++)
        {
            byte* to = y + i * bytesPerRow;
            if (index[i] >= 0) Buffer.MemoryCopy(x + (nint)index[i] * bytesPerRow, to, bytesPerRow, bytesPerRow);
            else NativeMemory.Clear(to, (nuint)bytesPerRow);
        }
    }
}
