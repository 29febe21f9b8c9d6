using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Reads and writes the elements of tensors of any strides, dtype and device, one by one: for derivatives by differences, for what a program decides by, for messages.</summary>
internal static class ElementAccess
{
    /// <summary>The elements in logical order, as doubles.</summary>
    internal static double[] Values(Tensor x)
    {
        using var plain = x.detach();
        using var wide = plain.to_type(ScalarType.Float64);
        using var here = wide.device_type == DeviceType.CPU ? wide.alias() : wide.cpu();
        using var flat = here.contiguous();
        return MemoryMarshal.Cast<byte, double>(flat.bytes).ToArray();
    }

    /// <summary>The elements of an Int64 tensor in logical order.</summary>
    internal static long[] Numbers(Tensor x)
    {
        using var plain = x.detach();
        using var here = plain.device_type == DeviceType.CPU ? plain.alias() : plain.cpu();
        using var flat = here.contiguous();
        return Memory.ToArray<long>(flat);
    }

    /// <summary>A tensor with these elements in logical order.</summary>
    internal static Tensor FromValues(double[] values, Tensor like) => tensor(values, like.shape, like.dtype, like.device);

    internal static void Set(Tensor x, long element, double value)
    {
        using var plain = x.detach();
        using var place = plain.as_strided([1], [1], x.storage_offset() + Offset(element, x.shape, x.stride()));
        using var number = tensor([value], [1], x.dtype, x.device);
        Memory.Discard(place, place.copy_(number));
    }

    /// <summary>A tensor of memory of its own with the same strides and values: functions see the layout that they were given.</summary>
    internal static Tensor Twin(Tensor x)
    {
        using var plain = x.detach();
        var twin = empty_strided(x.shape, x.stride(), x.dtype, x.device);
        Memory.Discard(twin, twin.copy_(plain));
        return twin;
    }

    /// <summary>Whether two elements lie in one place, as in an expanded tensor.</summary>
    internal static bool SharesElements(Tensor x)
    {
        var (shape, strides) = (x.shape, x.stride());
        var seen = new HashSet<long>();
        for (long i = 0, n = x.numel(); i < n; i++)
        {
            if (!seen.Add(Offset(i, shape, strides)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A flat index as one per dimension, for people.</summary>
    internal static string Index(long element, long[] shape)
    {
        var index = new long[shape.Length];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            (element, index[i]) = Math.DivRem(element, shape[i]);
        }

        return Check.Text(index);
    }

    private static long Offset(long element, long[] shape, long[] strides)
    {
        long offset = 0;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            (element, long at) = Math.DivRem(element, shape[i]);
            offset += at * strides[i];
        }

        return offset;
    }
}
