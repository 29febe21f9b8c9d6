using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Sums of millions of terms without drift: short sums are folded into a total whose rounding errors are kept aside.</summary>
internal static class Folded<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    /// <summary>total + lost += sum, exactly but for lost's own rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(ref V total, ref V lost, V sum)
    {
        V next = total + sum, seen = next - total;
        lost += (total - (next - seen)) + (sum - seen);
        total = next;
    }
}
