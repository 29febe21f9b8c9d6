using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Pointers out of tensors, and fresh outputs.</summary>
/// <remarks>A pointer lives as long as a managed tensor over it: whoever takes one calls <see cref="GC.KeepAlive"/> after the kernel.</remarks>
internal static unsafe class Memory
{
    /// <summary>The first element of a contiguous CPU tensor; null where it has none.</summary>
    internal static byte* Of(Tensor x)
    {
        long elements = x.numel();
        if (elements == 0)
        {
            return null;
        }

        if (elements <= int.MaxValue / 8)
        {
            return First(x);
        }

        using var first = FirstElement(x); // a span has at most 2^31-1 bytes
        return First(first);
    }

    /// <summary>The first element of a CPU tensor of any strides.</summary>
    internal static byte* OfStrided(Tensor x)
    {
        if (x.numel() == 0)
        {
            return null;
        }

        using var first = FirstElement(x);
        return First(first);
    }

    /// <summary>The first element of a CPU tensor whose elements fill a stretch of memory, in whatever order of dims.</summary>
    internal static byte* OfDense(Tensor x) => x.is_contiguous() ? Of(x) : OfStrided(x);

    /// <summary>A copy of the elements of a contiguous CPU tensor.</summary>
    internal static T[] ToArray<T>(Tensor x) where T : unmanaged
    {
        var elements = new ReadOnlySpan<T>(Of(x), checked((int)x.numel())).ToArray();
        GC.KeepAlive(x);
        return elements;
    }

    /// <summary>Bytes from the first element to the end of the last one.</summary>
    internal static long Extent(Tensor x)
    {
        if (x.numel() == 0)
        {
            return 0;
        }

        long last = 0;
        for (int i = 0, n = (int)x.ndim; i < n; i++)
        {
            last += (x.size(i) - 1) * x.stride(i);
        }

        return (last + 1) * Dtype.SizeOf(x.dtype);
    }

    /// <summary>Whether a kernel can read the tensor as it lies.</summary>
    /// <remarks>A lone element counts as scattered: it may be a lazily negated view, which only a copy resolves.</remarks>
    internal static bool IsDirect(Tensor x) => x.is_contiguous() && x.numel() != 1;

    /// <summary>Whether every row along the last dim is the same one in memory, as in the gradient of a sum over the rows; a row of two elements or more (see <see cref="IsDirect"/>).</summary>
    internal static bool IsRepeatedRow(Tensor x)
    {
        int last = (int)x.ndim - 1;
        for (int i = 0; i < last; i++)
        {
            if (x.size(i) != 1 && x.stride(i) != 0)
            {
                return false;
            }
        }

        return last > 0 && x.size(last) > 1 && x.stride(last) == 1;
    }

    /// <summary>An uninitialised tensor like a contiguous one, or one that <see cref="OfDense"/> takes: it lies as that does.</summary>
    internal static Tensor Fresh(Tensor dense) => Advised(empty_like(dense));

    /// <summary>An uninitialised contiguous tensor on the CPU.</summary>
    internal static Tensor Fresh(long[] shape, ScalarType dtype) => Advised(empty(shape, dtype, CPU));

    /// <summary>A contiguous copy of a tensor of any strides; a kernel then works in place on it, which saves a second buffer.</summary>
    internal static Tensor FreshCopy(Tensor x)
    {
        var y = Advised(empty(x.shape, x.dtype, x.device));
        try
        {
            Discard(y, y.copy_(x));
            return y;
        }
        catch
        {
            y.Dispose();
            throw;
        }
    }

    /// <summary>A contiguous copy in the type that the kernels compute in, outside the graph.</summary>
    internal static Tensor ArithmeticCopy(Tensor x)
    {
        using var plain = x.detach();
        using var wide = plain.to_type(Dtype.ArithmeticOf(x.dtype));
        return FreshCopy(wide);
    }

    /// <summary>The tensor itself where a kernel can read it, else a contiguous copy; <see cref="Release"/> it with the original.</summary>
    internal static Tensor Contiguous(Tensor x) => IsDirect(x) ? x : FreshCopy(x);

    internal static void Release(Tensor contiguous, Tensor original)
    {
        if (!ReferenceEquals(contiguous, original))
        {
            contiguous.Dispose();
        }
    }

    /// <summary>Disposes what an in-place operator returned where that is a second handle (older TorchSharp), not the target itself.</summary>
    internal static void Discard(Tensor target, Tensor result)
    {
        if (!ReferenceEquals(target, result))
        {
            result.Dispose();
        }
    }

    /// <summary>Tells autograd that a tensor of one dimension or more is about to be written: a raw write is invisible to it, and a graph that saved it would go on.</summary>
    /// <remarks>Copies nothing onto nothing: a view of no elements has its base's version counter. libtorch refuses here what it refuses of its own operators.</remarks>
    internal static void BumpVersion(Tensor x)
    {
        using var none = x.narrow(0, 0, 0);
        Discard(none, none.copy_(none));
    }

    /// <summary>A tensor over the same memory with a version counter of its own: what is done to it does not make a graph that saved the first one refuse to go on.</summary>
    internal static Tensor Unversioned(Tensor x)
    {
        var y = empty([0], x.dtype, x.device);
        Discard(y, y.set_(x));
        return y;
    }

    private static Tensor Advised(Tensor fresh)
    {
        if (fresh.numel() >= HugePages.Threshold / sizeof(double))
        {
            HugePages.Advise(OfDense(fresh), (nint)fresh.numel() * Dtype.SizeOf(fresh.dtype));
            GC.KeepAlive(fresh);
        }

        return fresh;
    }

    private static Tensor FirstElement(Tensor x)
    {
        using var plain = x.detach(); // no node in the graph for a peek
        return plain.as_strided([1], [1], x.storage_offset());
    }

    private static byte* First(Tensor x)
    {
        var span = x.bytes;
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
    }
}
