using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

/// <summary>The memory of a tensor as managed code sees it.</summary>
public class BytesTests
{
    [Fact]
    public void Bytes_are_the_tensor_itself_and_no_copy()
    {
        using Tensor t = zeros(2, 3);
        MemoryMarshal.Cast<byte, float>(t.bytes)[4] = 7;
        Assert.Equal(7, t[1, 1].ToSingle());
        t.fill_(2);
        Assert.Equal(2, MemoryMarshal.Cast<byte, float>(t.bytes)[0]);
    }

    [Fact]
    public void They_cost_no_managed_memory()
    {
        using Tensor t = zeros(2, 3);
        long sum = t.bytes.Length;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            sum += t.bytes.Length;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(101 * 24, sum);
    }

    [Fact]
    public void They_begin_at_the_storage_offset_of_a_view()
    {
        using Tensor t = tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [3, 2]);
        using Tensor row = t[1];
        Assert.Equal([3f, 4f], MemoryMarshal.Cast<byte, float>(row.bytes).ToArray());
    }

    [Fact]
    public void A_tensor_that_is_not_contiguous_has_none()
    {
        using Tensor t = zeros(2, 3);
        using Tensor transposed = t.transpose(0, 1);
        using Tensor expanded = ones(1).expand(4);
        foreach (Tensor view in new[] { transposed, expanded })
        {
            var e = Assert.Throws<InvalidOperationException>(() => { _ = view.bytes; });
            Assert.Contains("Bytes() called on non-contiguous tensor.", e.Message);
        }
    }

    [Theory]
    [InlineData(ScalarType.Byte, 1)]
    [InlineData(ScalarType.Int8, 1)]
    [InlineData(ScalarType.Int16, 2)]
    [InlineData(ScalarType.Int32, 4)]
    [InlineData(ScalarType.Int64, 8)]
    [InlineData(ScalarType.Float16, 2)]
    [InlineData(ScalarType.BFloat16, 2)]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.Float64, 8)]
    [InlineData(ScalarType.Bool, 1)]
    [InlineData(ScalarType.ComplexFloat32, 8)]
    public void Every_dtype_has_them(ScalarType dtype, int size)
    {
        using Tensor t = zeros(5, dtype: dtype);
        Assert.Equal(5 * size, t.bytes.Length);
        Assert.Equal(size, t.element_size());
    }

    [Fact]
    public void An_empty_tensor_has_an_empty_span()
    {
        using Tensor t = zeros(2, 0);
        Assert.Equal(0, t.bytes.Length);
    }

    [Fact]
    public void A_leaf_that_requires_a_gradient_and_an_inference_tensor_have_them()
    {
        using Tensor leaf = zeros(2, requires_grad: true);
        Assert.Equal(8, leaf.bytes.Length);
        using (inference_mode())
        {
            using Tensor t = zeros(2);
            Assert.Equal(8, t.bytes.Length);
        }
    }

    [Fact]
    public void Setting_them_copies_in()
    {
        using Tensor t = zeros(2);
        float[] values = [3, 4];
        t.bytes = MemoryMarshal.AsBytes(values.AsSpan());
        values[0] = 9;
        Assert.Equal(3, t[0].ToSingle());
    }

    [Fact]
    public unsafe void Beyond_two_gigabytes_a_narrow_view_has_the_address()
    {
        // Untouched pages: nothing of the 3 GiB becomes resident.
        using Tensor t = empty(3L << 30, dtype: ScalarType.Byte);
        var e = Assert.Throws<ArgumentException>(() => { _ = t.bytes; });
        Assert.Contains("Span only supports up to int.MaxValue elements.", e.Message);
        using Tensor first = t.view(-1).narrow(0, 0, 1);
        using Tensor third = t.view(-1).narrow(0, 2, 1);
        fixed (byte* a = first.bytes, b = third.bytes)
        {
            Assert.True(b == a + 2);
        }
    }

    [Fact]
    public unsafe void New_memory_is_aligned_to_64_bytes()
    {
        for (int n = 1; n < 40; n++)
        {
            using Tensor t = empty(n);
            fixed (byte* p = t.bytes)
            {
                Assert.Equal(0u, (nuint)p % 64);
            }
        }
    }

    [Fact]
    public void Contiguous_gives_another_tensor_over_the_same_memory()
    {
        using Tensor t = zeros(2);
        Tensor same = t.contiguous();
        Assert.NotSame(t, same);
        same.fill_(5);
        same.Dispose();
        Assert.Equal(5, t[0].ToSingle());
    }

    [Fact]
    public void A_tensor_of_an_array_is_a_copy_and_from_array_is_the_array()
    {
        float[] values = [1, 2];
        using Tensor copy = tensor(values);
        using Tensor shared = from_array(values);
        values[0] = 9;
        Assert.Equal(1, copy[0].ToSingle());
        Assert.Equal(9, shared[0].ToSingle());
        shared[1] = 8;
        Assert.Equal(8, values[1]);
    }

    [Fact]
    public void A_raw_write_to_a_saved_tensor_is_not_noticed()
    {
        using Tensor x = ones(2, requires_grad: true);
        using Tensor h = x * 1;
        using Tensor y = (h * h).sum();
        MemoryMarshal.Cast<byte, float>(h.bytes).Fill(10);
        y.backward();
        Assert.Equal(20, x.grad[0].ToSingle());
    }

    [Fact]
    public void Accessors_read_by_index_and_copy_out()
    {
        using Tensor t = tensor(new float[] { 1, 2, 3, 4 }, [2, 2]);
        Assert.Equal([1f, 2f, 3f, 4f], t.data<float>().ToArray());
        Assert.Equal(3, t.data<float>()[1, 0]);
        Assert.Equal(4, t[1, 1].item<float>());
    }
}
