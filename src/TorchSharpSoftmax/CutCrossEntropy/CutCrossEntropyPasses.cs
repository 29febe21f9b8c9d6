using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The kernels of a call, with everything pinned.</summary>
internal static class CutCrossEntropyPasses
{
    private enum Pass
    {
        Forward,
        Backward,
        Both,
    }

    /// <summary>Fills the state's rows; and saves what a filter will keep of the logits, if there will be a backward that needs no others: the bias's gradient is of all.</summary>
    internal static void Forward(CutCrossEntropyTensors tensors, CutCrossEntropyCall call, bool differentiated, bool ofBias)
    {
        call.State.Rows = new CutCrossEntropyRow[call.Rows.Count];
        Dtype.Run(tensors.Dtype, new Kernel(Pass.Forward, tensors, call, call.State.Rows, [], null, mayFilter: differentiated && !ofBias));
    }

    /// <summary>From the state's rows.</summary>
    internal static void Backward(
        CutCrossEntropyTensors tensors, CutCrossEntropyCall call, CutCrossEntropyUpstream[] upstream, CutCrossEntropyGradientTensors gradients)
    {
        Dtype.Run(tensors.Dtype, new Kernel(Pass.Backward, tensors, call, call.State.Rows, upstream, gradients));
        gradients.Round();
    }

    /// <summary>The gradients of the reduced loss for an upstream gradient of 1; fills the state's rows.</summary>
    internal static CutCrossEntropyGradientTensors Both(CutCrossEntropyTensors tensors, CutCrossEntropyCall call, ReadOnlySpan<bool> wanted)
    {
        var gradients = new CutCrossEntropyGradientTensors(tensors, call, wanted);
        var upstream = new CutCrossEntropyUpstream[call.Rows.Count];
        for (int i = 0; i < upstream.Length; i++)
        {
            upstream[i] = new((call.Rows.Weights is null ? 1 : call.Rows.Weights[i]) / call.Divisor, 0, 0);
        }

        var rows = new CutCrossEntropyRow[call.Rows.Count];
        Dtype.Run(tensors.Dtype, new Kernel(Pass.Both, tensors, call, rows, upstream, gradients));
        call.State.Rows = rows;
        gradients.Round();
        return gradients;
    }

    /// <summary>The least workspace with which the call's kernels run, in bytes.</summary>
    internal static long LeastWorkspace(Tensor linear_weight, bool inForward)
    {
        long[] least = [0];
        Dtype.Run(linear_weight.dtype, new Least((nint)linear_weight.size(1), (nint)linear_weight.size(0), inForward, least));
        return least[0];
    }

    private readonly struct Least(nint features, nint classes, bool inForward, long[] answer) : IElementCall
    {
        public void Run<S>() where S : unmanaged => answer[0] = CutCrossEntropyKernels.LeastWorkspace<S>(features, classes, inForward);
    }

    private readonly unsafe struct Kernel(
        Pass pass, CutCrossEntropyTensors tensors, CutCrossEntropyCall call, CutCrossEntropyRow[] rows, CutCrossEntropyUpstream[] upstream,
        CutCrossEntropyGradientTensors? gradients, bool mayFilter = false) : IElementCall
    {
        public void Run<S>() where S : unmanaged
        {
            long workspace = call.Workspace ?? CutCrossEntropyKernels.DefaultWorkspace<S>(tensors.Features, tensors.Classes, pass == Pass.Both);
            int threads = get_num_threads();
            fixed (long* index = call.Rows.Inputs, targets = call.Rows.Targets)
            fixed (double* shares = call.Rows.Shares)
            fixed (CutCrossEntropyRow* found = rows)
            fixed (CutCrossEntropyUpstream* dy = upstream)
            {
                var task = tensors.Task<S>(index, targets, shares);
                switch (pass)
                {
                    case Pass.Forward:
                        call.State.Saved = mayFilter ? CutCrossEntropyKernels.SavedFor(task, call.Filter) : null;
                        CutCrossEntropyKernels.Forward<S>(task, found, workspace, threads, call.State.Saved);
                        break;
                    case Pass.Backward:
                        call.State.Keep(CutCrossEntropyKernels.Backward<S>(task, found, dy, gradients!.Pointers, call.Filter, workspace, threads, call.State.Saved));
                        break;
                    default:
                        call.State.Keep(CutCrossEntropyKernels.ForwardBackward<S>(task, found, dy, call.Squares, gradients!.Pointers, call.Filter, workspace, threads));
                        break;
                }
            }

            GC.KeepAlive(tensors);
            GC.KeepAlive(gradients);
        }
    }
}
