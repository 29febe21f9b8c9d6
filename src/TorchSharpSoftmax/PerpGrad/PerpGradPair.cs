using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A weight and its gradient where a kernel can read them: as they lie, or copied. What is written comes back at the end.</summary>
/// <remarks>Not empty, and checked to fit each other. Without a kernel the same is done by libtorch's operators.</remarks>
internal readonly struct PerpGradPair : IDisposable
{
    private readonly Tensor _weight, _grad, _w, _g;
    private readonly bool _hasKernel;

    /// <summary>The gradient's handle is this pair's from now on.</summary>
    internal PerpGradPair(Tensor weight, Tensor grad)
    {
        (_weight, _grad, _w, _g) = (weight, grad, weight, grad);
        _hasKernel = Dtype.HasKernel(grad);
        if (_hasKernel && !LieAlike(weight, grad))
        {
            _w = Memory.Contiguous(weight);
            _g = Memory.Contiguous(grad);
        }
    }

    internal PerpPrecision Precision => PerpGradOptions.Precision(_grad.dtype);

    /// <summary>Whether both are contiguous, or dense in the same order of dims; slices of dim 0 are blocks of memory where it comes first in that order.</summary>
    internal static bool LieAlike(Tensor weight, Tensor grad)
    {
        long elements = weight.numel();
        if (elements == 1 || (weight.is_contiguous() && grad.is_contiguous()))
        {
            return elements != 1; // a lone element may be a lazily negated view, which only a copy resolves
        }

        int dims = (int)weight.ndim;
        if (weight.stride(0) * weight.size(0) != elements)
        {
            return false;
        }

        long reached = 1;
        for (bool found = true; found;)
        {
            found = false;
            for (int i = 0; i < dims && !found; i++)
            {
                found = weight.size(i) > 1 && weight.stride(i) == reached && grad.stride(i) == reached;
                reached *= found ? weight.size(i) : 1;
            }
        }

        return reached == elements;
    }

    internal void Project(PerpGradOptions options)
    {
        if (!_hasKernel)
        {
            using var projected = PerpProjectionComposed.Project(_weight, _grad, options);
            Memory.Discard(_grad, _grad.copy_(projected));
            return;
        }

        Touch();
        Dtype.Run(_g.dtype, new PerpGradCall(_w, _g, _g, options));
        Finish();
    }

    internal PerpSums Sums()
    {
        if (!_hasKernel)
        {
            return PerpProjectionComposed.Sums(_weight, _grad);
        }

        var sums = new PerpSums[1];
        Dtype.Run(_g.dtype, new SumsCall(_w, _g, sums));
        return sums[0];
    }

    /// <summary>The square of this pair's share of the part that is orthogonal to all weights.</summary>
    internal double Orthogonal(PerpSums all)
    {
        if (!_hasKernel)
        {
            return PerpProjectionComposed.Orthogonal(_weight, _grad, all.Along);
        }

        double[] square = new double[1];
        Dtype.Run(_g.dtype, new OrthogonalCall(_w, _g, all, square));
        return square[0];
    }

    internal void Write(PerpFactors factors)
    {
        if (!_hasKernel)
        {
            PerpProjectionComposed.Write(_weight, _grad, factors);
            return;
        }

        Touch();
        Dtype.Run(_g.dtype, new WriteCall(_w, _g, factors));
        Finish();
    }

    public void Dispose()
    {
        Memory.Release(_w, _weight);
        Memory.Release(_g, _grad);
        _grad.Dispose();
    }

    private void Touch()
    {
        if (ReferenceEquals(_g, _grad))
        {
            Memory.BumpVersion(_grad);
        }
    }

    private void Finish()
    {
        if (!ReferenceEquals(_g, _grad))
        {
            Memory.Discard(_grad, _grad.copy_(_g));
        }
    }

    private readonly struct SumsCall(Tensor w, Tensor g, PerpSums[] sums) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            sums[0] = PerpGradKernels.Sums((S*)Memory.OfDense(w), (S*)Memory.OfDense(g), (nint)g.numel(), get_num_threads());
            GC.KeepAlive(w);
            GC.KeepAlive(g);
        }
    }

    private readonly struct OrthogonalCall(Tensor w, Tensor g, PerpSums all, double[] square) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            square[0] = PerpGradKernels.Orthogonal((S*)Memory.OfDense(w), (S*)Memory.OfDense(g), (nint)g.numel(), all, get_num_threads());
            GC.KeepAlive(w);
            GC.KeepAlive(g);
        }
    }

    private readonly struct WriteCall(Tensor w, Tensor g, PerpFactors factors) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            S* pg = (S*)Memory.OfDense(g);
            PerpGradKernels.Write((S*)Memory.OfDense(w), pg, pg, (nint)g.numel(), factors, get_num_threads());
            GC.KeepAlive(w);
            GC.KeepAlive(g);
        }
    }
}

/// <summary>The projection of tensors that lie alike; y may be g.</summary>
internal readonly struct PerpGradCall(Tensor w, Tensor g, Tensor y, PerpGradOptions options) : IElementCall
{
    public unsafe void Run<S>() where S : unmanaged
    {
        long rows = options.Rows(w);
        S* pg = (S*)Memory.OfDense(g), py = ReferenceEquals(y, g) ? pg : (S*)Memory.OfDense(y);
        PerpGradKernels.Project((S*)Memory.OfDense(w), pg, py, (nint)rows, (nint)(w.numel() / rows), options.Rule, get_num_threads());
        GC.KeepAlive(w);
        GC.KeepAlive(g);
        GC.KeepAlive(y);
    }
}
