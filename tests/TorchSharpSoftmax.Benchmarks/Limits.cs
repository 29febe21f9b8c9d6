using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// What memory allows: passes with an operator's reads and writes and next to no arithmetic, row by row as the operator goes, on as many threads.
/// An operator at 1.00 of its limit cannot be made faster without touching fewer bytes.
/// </summary>
internal static unsafe class Limits
{
    private const int BytesPerStep = 256;

    /// <summary>Softmax's traffic: read x, then read x again and write y.</summary>
    public static void ReadThenScale(Tensor x, Tensor y, Shape shape, int threads, bool streamed)
    {
        byte* px = Pointer(x), py = Pointer(y);
        ByRows(shape, threads, (from, bytes) => Sink(Read(px + from, bytes)), (from, bytes) => Combine(px + from, px + from, py + from, bytes, streamed));
    }

    /// <summary>Backward's traffic: read y and dy, then read both again and write dx.</summary>
    public static void ReadTwoThenCombine(Tensor y, Tensor dy, Tensor dx, Shape shape, int threads)
    {
        byte* py = Pointer(y), pdy = Pointer(dy), pdx = Pointer(dx);
        ByRows(shape, threads,
            (from, bytes) => Sink(Read(py + from, bytes) ^ Read(pdy + from, bytes)),
            (from, bytes) => Combine(py + from, pdy + from, pdx + from, bytes, streamed: true));
    }

    /// <summary>Both passes row by row; a lone row is split over the threads, one pass after the other.</summary>
    private static void ByRows(Shape shape, int threads, Action<long, long> first, Action<long, long> second)
    {
        long all = shape.Elements * shape.ElementSize;
        long row = all / shape.Outer;
        if (shape.Outer == 1)
        {
            Split(all / BytesPerStep, threads, (from, to) => first(from * BytesPerStep, (to - from) * BytesPerStep));
            Split(all / BytesPerStep, threads, (from, to) => second(from * BytesPerStep, (to - from) * BytesPerStep));
            return;
        }

        Split(shape.Outer, threads, (from, to) =>
        {
            for (long r = from; r < to; r++)
            {
                first(r * row, row);
                second(r * row, row);
            }
        });
    }

    private static void Split(long count, int threads, Action<long, long> part)
    {
        if (threads == 1)
        {
            part(0, count);
        }
        else
        {
            Parallel.For(0, threads, t => part(count * t / threads, count * (t + 1) / threads));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<int> Read(byte* x, long bytes)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (long i = 0; i + BytesPerStep <= bytes; i += BytesPerStep)
        {
            a ^= Vector512.Load((int*)(x + i));
            b ^= Vector512.Load((int*)(x + i + 64));
            c ^= Vector512.Load((int*)(x + i + 128));
            d ^= Vector512.Load((int*)(x + i + 192));
        }

        return a ^ b ^ c ^ d;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Combine(byte* a, byte* b, byte* y, long bytes, bool streamed)
    {
        long head = streamed ? -(nint)y & 63 : 0; // streamed stores must be aligned; what is peeled off is left out
        if (streamed)
        {
            for (long i = head; i + BytesPerStep <= bytes; i += BytesPerStep)
            {
                (Vector512.Load((int*)(a + i)) & Vector512.Load((int*)(b + i))).StoreAlignedNonTemporal((int*)(y + i));
                (Vector512.Load((int*)(a + i + 64)) & Vector512.Load((int*)(b + i + 64))).StoreAlignedNonTemporal((int*)(y + i + 64));
                (Vector512.Load((int*)(a + i + 128)) & Vector512.Load((int*)(b + i + 128))).StoreAlignedNonTemporal((int*)(y + i + 128));
                (Vector512.Load((int*)(a + i + 192)) & Vector512.Load((int*)(b + i + 192))).StoreAlignedNonTemporal((int*)(y + i + 192));
            }

            if (Sse.IsSupported)
            {
                Sse.StoreFence();
            }

            return;
        }

        for (long i = 0; i + BytesPerStep <= bytes; i += BytesPerStep)
        {
            (Vector512.Load((int*)(a + i)) & Vector512.Load((int*)(b + i))).Store((int*)(y + i));
            (Vector512.Load((int*)(a + i + 64)) & Vector512.Load((int*)(b + i + 64))).Store((int*)(y + i + 64));
            (Vector512.Load((int*)(a + i + 128)) & Vector512.Load((int*)(b + i + 128))).Store((int*)(y + i + 128));
            (Vector512.Load((int*)(a + i + 192)) & Vector512.Load((int*)(b + i + 192))).Store((int*)(y + i + 192));
        }
    }

    /// <summary>Keeps the read pass from being optimised away.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Sink(Vector512<int> value) => s_sink = value[0];

    private static int s_sink;

    private static byte* Pointer(Tensor t) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(t.bytes));
}
