namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Floats on their way to double lanes and back, at every width.</summary>
public sealed class AsSingleTests
{
    [Fact]
    public void Floats_are_read_exactly_and_doubles_are_rounded_to_the_nearest_float() => LaneWidths.Run(new Conversions());

    [Fact]
    public void Parts_touch_only_their_elements() => LaneWidths.Run(new Parts());

    private static float[] Values()
    {
        var random = new Random(5);
        float[] special = [0, -0f, 1, -1, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -float.MaxValue, float.Epsilon, 1.1754942e-38f];
        return [.. special, .. Enumerable.Range(0, 501).Select(_ => BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)))];
    }

    private static bool Same(double a, double b) => a.Equals(b) && (double.IsNaN(a) || double.IsNegative(a) == double.IsNegative(b));

    private sealed unsafe class Conversions : ILaneTest<double>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, double>
        {
            float[] x = Values(); // 512 of them: whole vectors at every width
            double[] wide = [.. x.Select((value, i) => (double)value * (1 + ((i % 5) * Math.ScaleB(1, -26)))), double.MaxValue, 1e-50, -1e39, 1 + Math.ScaleB(1, -24), 1 + Math.ScaleB(3, -24), 0, 0, 0];
            var read = new double[x.Length];
            var (written, pairs, streamed) = (new float[wide.Length], new float[x.Length], new float[x.Length + 16]);
            fixed (float* from = x, to = written, pair = pairs, stream = streamed)
            fixed (double* lanes = read, source = wide)
            {
                float* aligned = stream + Cache.Head(stream, 64);
                for (nint i = 0; i < x.Length; i += V.Count)
                {
                    V v = AsSingle.Load<V>(from + i);
                    V.Store(v, lanes + i);
                    AsSingle.Stream(v, aligned + i);
                }

                for (nint i = 0; i < wide.Length; i += V.Count)
                {
                    AsSingle.Store(V.Load(source + i), to + i);
                }

                for (nint i = 0; i < x.Length; i += 2 * V.Count)
                {
                    AsSingle.LoadPair(from + i, out V a, out V b);
                    AsSingle.PutPair<V, No>(a, b, pair + i);
                }

                Assert.All(x, (value, i) => Assert.True(Same(value, aligned[i])));
            }

            Assert.All(x, (value, i) => Assert.True(Same(value, read[i]), $"{value:R} was read as {read[i]:R} ({V.Count} lanes)"));
            Assert.All(x, (value, i) => Assert.True(Same(value, pairs[i])));
            Assert.All(wide, (value, i) => Assert.True(Same((float)value, written[i]), $"{value:R} was written as {written[i]:R} ({V.Count} lanes)"));
        }
    }

    private sealed unsafe class Parts : ILaneTest<double>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, double>
        {
            using GuardedMemory<float> from = new(V.Count), to = new(V.Count);
            double* lanes = stackalloc double[V.Count];
            for (int n = 0; n <= V.Count; n++)
            {
                foreach (double pad in (double[])[0, double.NegativeInfinity])
                {
                    foreach (Placement placement in (Placement[])[Placement.Ending, Placement.Beginning])
                    {
                        GuardedRow<float> source = from.Row([.. Values().AsSpan(20, n)], placement), target = to.Row(n, placement);
                        V v = AsSingle.LoadPart<V>(source.Pointer, n, pad);
                        V.Store(v, lanes);
                        for (int i = 0; i < V.Count; i++)
                        {
                            Assert.True(Same(i < n ? source.Pointer[i] : pad, lanes[i]));
                        }

                        AsSingle.StorePart(v, target.Pointer, n);
                        target.AssertNothingElseWritten($"part of {n}");
                        Bits.AssertSame<float>($"part of {n}", source.Span, target.Span);
                    }
                }
            }
        }
    }
}
