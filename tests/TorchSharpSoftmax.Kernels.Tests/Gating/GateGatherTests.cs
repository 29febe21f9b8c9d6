namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Rows by index, between guard pages.</summary>
public sealed unsafe class GateGatherTests
{
    [Fact]
    public void Rows_come_by_index_and_zeros_where_there_is_none_on_any_number_of_threads()
    {
        var random = new Random(1);
        foreach ((int rows, int from, int bytes) in ((int, int, int)[])[(1, 1, 1), (7, 3, 2), (64, 5, 12), (1000, 1, 64), (1003, 250, 514), (5, 3, 0), (0, 3, 8)])
        {
            using var x = new GuardedMemory<byte>(from * bytes);
            using var y = new GuardedMemory<byte>(rows * bytes);
            using var index = new GuardedMemory<long>(rows);
            var values = new byte[from * bytes];
            random.NextBytes(values);
            long[] places = [.. Enumerable.Range(0, rows).Select(_ => (long)random.Next(-1, from))];
            byte[] expected = [.. places.SelectMany(place => place < 0 ? new byte[bytes] : values[((int)place * bytes)..(((int)place + 1) * bytes)])];
            foreach (Placement placement in Enum.GetValues<Placement>())
            {
                foreach (int threads in (int[])[1, 3])
                {
                    GuardedRow<byte> source = x.Row(values, placement), target = y.Row(expected.Length, placement);
                    GuardedRow<long> named = index.Row(places, placement);
                    target.Span.Fill(0xA5);
                    GateGather.Run(source.Pointer, named.Pointer, target.Pointer, rows, bytes, threads);
                    Assert.Equal(expected, target.Span.ToArray());
                    Assert.Equal(values, source.Span.ToArray());
                    target.AssertNothingElseWritten($"{rows} of {from} rows of {bytes} bytes, {placement}");
                }
            }
        }
    }
}
