using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Logits, or what has their shape, as the kernels see them: contiguous rows of classes. Where classes are not the last dim this is a copy.</summary>
internal readonly ref struct ClassesLast
{
    private readonly Tensor _original;

    internal ClassesLast(Tensor x)
    {
        _original = x;
        if (x.ndim <= 2)
        {
            Rows = Memory.Contiguous(x);
            IsCopy = !ReferenceEquals(Rows, x);
            return;
        }

        int dims = (int)x.ndim;
        var order = new long[dims];
        for (int i = 2; i < dims; i++)
        {
            order[i - 1] = i;
        }

        order[^1] = 1;
        var moved = x.permute(order);
        Rows = Memory.Contiguous(moved);
        IsCopy = !ReferenceEquals(Rows, moved);
        if (IsCopy)
        {
            moved.Dispose();
        }
    }

    /// <summary>Contiguous, with the classes last.</summary>
    internal Tensor Rows { get; }

    /// <summary>Whether <see cref="Rows"/> has memory of its own.</summary>
    internal bool IsCopy { get; }

    /// <summary>A tensor laid out as <see cref="Rows"/>, with the classes where they were; the tensor itself is used up.</summary>
    internal static Tensor Back(Tensor rows)
    {
        int dims = (int)rows.ndim;
        if (dims <= 2)
        {
            return rows;
        }

        var order = new long[dims];
        order[1] = dims - 1;
        for (int i = 2; i < dims; i++)
        {
            order[i] = i - 1;
        }

        using (rows)
        {
            return rows.permute(order);
        }
    }

    internal void Dispose() => Memory.Release(Rows, _original);
}
