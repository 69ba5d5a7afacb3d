Vagrant.configure("2") do |config|
  config.vm.base_mac = "$mac"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :virtualbox do |virtualbox|
    # The cloud kernels have no driver for the network cards that VirtualBox presents by itself.
    virtualbox.customize ["modifyvm", :id, "--nictype1", "virtio", "--nictype2", "virtio"]
    virtualbox.check_guest_additions = false
    virtualbox.functional_vboxsf = false
  end
end
