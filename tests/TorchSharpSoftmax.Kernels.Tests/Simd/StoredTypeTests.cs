using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The 16-bit types on their way to float and back: every pattern, every rounding border, at every width.</summary>
public sealed class StoredTypeTests
{
    private const int Patterns = 1 << 16;

    [Fact]
    public void Every_bfloat16_is_read_exactly_and_written_back_unchanged() =>
        LaneWidths.Run(new RoundTrip<BFloat16, AsBFloat16>(FloatFormat.BFloat16));

    [Fact]
    public void Every_half_is_read_exactly_and_written_back_unchanged() => LaneWidths.Run(new RoundTrip<Half, AsHalf>(FloatFormat.Half));

    [Fact]
    public void Every_border_between_bfloat16_numbers_rounds_to_nearest_and_ties_to_even() =>
        LaneWidths.Run(new Rounding<BFloat16, AsBFloat16>(FloatFormat.BFloat16));

    [Fact]
    public void Every_border_between_half_numbers_rounds_to_nearest_and_ties_to_even() => LaneWidths.Run(new Rounding<Half, AsHalf>(FloatFormat.Half));

    [Fact]
    public void Parts_of_bfloat16_touch_only_their_elements() => LaneWidths.Run(new Parts<BFloat16, AsBFloat16>(FloatFormat.BFloat16));

    [Fact]
    public void Parts_of_half_touch_only_their_elements() => LaneWidths.Run(new Parts<Half, AsHalf>(FloatFormat.Half));

    [Fact]
    public void The_scalar_conversions_of_BFloat16_agree_with_the_format()
    {
        for (int bits = 0; bits < Patterns; bits++)
        {
            var x = new BFloat16((ushort)bits);
            Assert.Equal(FloatFormat.BFloat16.Decode((ushort)bits), x);
            Assert.True(float.IsNaN(x) ? float.IsNaN((BFloat16)(float)x) : (BFloat16)(float)x == x);
        }

        foreach (float x in Borders(FloatFormat.BFloat16))
        {
            Assert.Equal(FloatFormat.BFloat16.Round(x), (BFloat16)x);
        }
    }

    /// <summary>Floats at, just below and just above the middle between neighbours of the format, and beyond its largest number.</summary>
    private static float[] Borders(FloatFormat format)
    {
        var all = new List<float>();
        for (int bits = 0; bits < Patterns; bits++)
        {
            double x = format.Decode((ushort)bits);
            if (!double.IsFinite(x))
            {
                continue;
            }

            float middle = (float)(x + (Math.CopySign(0.5, x) * format.Ulp(x)));
            all.AddRange([(float)x, MathF.BitIncrement((float)x), MathF.BitDecrement((float)x), middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle)]);
        }

        all.AddRange([float.MaxValue, -float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon]);
        return [.. all];
    }

    private sealed unsafe class RoundTrip<S, M>(FloatFormat format) : ILaneTest<float>
        where S : unmanaged
        where M : struct, IStored<S, float>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, float>
        {
            using GuardedMemory<S> stored = new(Patterns), back = new(Patterns);
            using GuardedMemory<float> wide = new(Patterns);
            GuardedRow<S> x = stored.Row(Patterns, Placement.Ending), y = back.Row(Patterns, Placement.Ending);
            GuardedRow<float> w = wide.Row(Patterns, Placement.Ending);
            for (int bits = 0; bits < Patterns; bits++)
            {
                x.Pointer[bits] = Unsafe.BitCast<ushort, S>((ushort)bits);
            }

            for (nint i = 0; i < Patterns; i += V.Count)
            {
                V v = M.Load<V>(x.Pointer + i);
                V.Store(v, w.Pointer + i);
                M.Store(v, y.Pointer + i);
            }

            for (int bits = 0; bits < Patterns; bits++)
            {
                double exact = format.Decode((ushort)bits);
                Assert.True(exact.Equals(w.Pointer[bits]) && (double.IsNaN(exact) || double.IsNegative(exact) == float.IsNegative(w.Pointer[bits])),
                    $"{format.Name} {bits:X4} is {exact}, read as {w.Pointer[bits]} ({V.Count} lanes)");
                ushort written = Unsafe.BitCast<S, ushort>(y.Pointer[bits]);
                Assert.True(double.IsNaN(exact) ? double.IsNaN(format.Decode(written)) : written == bits,
                    $"{format.Name} {bits:X4} came back as {written:X4} ({V.Count} lanes)");
            }
        }
    }

    private sealed unsafe class Rounding<S, M>(FloatFormat format) : ILaneTest<float>
        where S : unmanaged
        where M : struct, IStored<S, float>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, float>
        {
            float[] x = Borders(format);
            for (uint payload = 1; payload < 1 << 23; payload = (payload * 3) + 1)
            {
                x = [.. x, BitConverter.UInt32BitsToSingle(0x7F80_0000 | payload), BitConverter.UInt32BitsToSingle(0xFF80_0000 | payload)];
            }

            x = [.. x, .. new float[V.Count - (x.Length % V.Count)]];
            using var memory = new GuardedMemory<S>(x.Length);
            GuardedRow<S> y = memory.Row(x.Length, Placement.Ending);
            fixed (float* from = x)
            {
                for (nint i = 0; i < x.Length; i += V.Count)
                {
                    M.Store(V.Load(from + i), y.Pointer + i);
                }
            }

            for (int i = 0; i < x.Length; i++)
            {
                double exact = format.Round(x[i]), actual = format.Decode(Unsafe.BitCast<S, ushort>(y.Pointer[i]));
                Assert.True(exact.Equals(actual) && (double.IsNaN(exact) || double.IsNegative(exact) == double.IsNegative(actual)),
                    $"{x[i]:R} ({BitConverter.SingleToUInt32Bits(x[i]):X8}) was stored as {actual:R}, not {exact:R} ({format.Name}, {V.Count} lanes)");
                if (double.IsNaN(exact))
                {
                    Assert.Equal(BitConverter.SingleToUInt32Bits(x[i]) >> 31, (uint)Unsafe.BitCast<S, ushort>(y.Pointer[i]) >> 15);
                }
            }
        }
    }

    private sealed unsafe class Parts<S, M>(FloatFormat format) : ILaneTest<float>
        where S : unmanaged
        where M : struct, IStored<S, float>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, float>
        {
            using GuardedMemory<S> from = new(V.Count), to = new(V.Count);
            float* lanes = stackalloc float[V.Count];
            for (int n = 0; n <= V.Count; n++)
            {
                foreach (float pad in (float[])[0, float.NegativeInfinity])
                {
                    foreach (Placement placement in (Placement[])[Placement.Ending, Placement.Beginning])
                    {
                        GuardedRow<S> source = from.Row(n, placement), target = to.Row(n, placement);
                        for (int i = 0; i < n; i++)
                        {
                            source.Pointer[i] = Unsafe.BitCast<ushort, S>((ushort)(0x3C01 + (0x111 * i)));
                        }

                        V v = M.LoadPart<V>(source.Pointer, n, pad);
                        V.Store(v, lanes);
                        for (int i = 0; i < V.Count; i++)
                        {
                            Assert.Equal(i < n ? format.Decode(Unsafe.BitCast<S, ushort>(source.Pointer[i])) : pad, lanes[i]);
                        }

                        M.StorePart(v, target.Pointer, n);
                        target.AssertNothingElseWritten($"part of {n}");
                        Bits.AssertSame<S>($"part of {n}", source.Span, target.Span);
                    }
                }
            }
        }
    }
}
